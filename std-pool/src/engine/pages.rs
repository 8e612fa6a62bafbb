//! Where jobs lie that are too large for their slot: berths of one size, page by page.
//!
//! Such a job is made by one thread and consumed by another, in the same direction again and again: what an allocator does
//! least well. Here the thread that submits holds a page and hands out its berths one after the other, without asking anybody.
//! Who has consumed a job brings the berth back: it counts for itself how many of a page it has, and adds that to the page's
//! count when it meets another page. Whoever makes the count full has the page.
//!
//! Neighbours are made, queued and consumed one after the other, which is what processors fetch ahead. (To ask for the next ones
//! besides changed nothing; blocks in another order took twice as long.)
//!
//! | a page is | who may touch what | until |
//! |---|---|---|
//! | held | the thread that holds it: the berths that it has not handed out | the last one is handed out; the thread ends, and brings the rest back |
//! | out | those who have its berths | all are back: `brought = BERTHS` |
//! | free | who has the lock of the depot | somebody needs a page; or the depot is emptied |
//!
//! Only a page of which nothing is out can be given back: so what waits for its time is boxed, and does not keep one.
//!
//! # Rules
//!
//! 1. A berth is handed out once in each round of its page, by the thread that holds it, and brought back once, by [`Berth`]'s
//!    drop. What its holder does not hand out, it brings back itself. So `brought` becomes full once in each round.
//! 2. Whoever made it full is alone with the page: he has acquired all that others have released there, and nobody
//!    refers to it any more.
//! 3. A page lies at a multiple of [`ALIGN`], and is shorter. So its address is known from each of its berths'.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::Cell;
use std::ptr::{self, NonNull};

use crate::sys::atomic::{AtomicUsize, Ordering};
use crate::sys::{self, Global, Mutex};

/// Bytes of a berth: closures with some texts and numbers, in whole lines.
pub(crate) const BERTH: usize = 256;

/// Berths of a page.
const BERTHS: usize = if cfg!(shuttle) { 3 } else { 30 };

/// Bytes of a page; the first place is the head's.
const PAGE: usize = (BERTHS + 1) * BERTH;

/// A page lies at a multiple of this. It is a place larger, since an allocator that puts a word before what it gives would else
/// leave as much room between two pages (glibc does).
const ALIGN: usize = (PAGE + 1).next_power_of_two();

const LAYOUT: Layout = match Layout::from_size_align(PAGE, ALIGN) {
    Ok(layout) => layout,
    Err(_) => panic!("a page is small, and its alignment a power of two"),
};

/// Begins each page.
pub(crate) struct Page {
    /// Berths of this round that are back.
    brought: AtomicUsize,
    /// The next in the depot.
    next: Cell<Option<NonNull<Page>>>,
}

const _: () = assert!(size_of::<Page>() <= BERTH);

impl Page {
    /// A free one.
    #[cold]
    #[inline(never)]
    fn take() -> NonNull<Self> {
        if let Some(page) = depot().lock().pop() {
            return page;
        }
        // SAFETY: the layout has a size.
        let page = NonNull::new(unsafe { alloc(LAYOUT) }).unwrap_or_else(|| handle_alloc_error(LAYOUT)).cast::<Self>();
        // SAFETY: new, and large enough.
        unsafe { page.write(Self { brought: AtomicUsize::new(0), next: Cell::new(None) }) };
        page
    }

    /// The berth that is handed out first.
    fn first(page: NonNull<Self>) -> NonNull<u8> {
        // SAFETY: a page is larger.
        unsafe { page.cast::<u8>().add(BERTH) }
    }

    /// Berths of a page are back.
    ///
    /// # Safety
    ///
    /// They were handed out, or are held by the present thread, and are brought back now (rule 1).
    #[cold]
    #[inline(never)]
    unsafe fn bring(page: NonNull<Self>, berths: usize) {
        let head = {
            // SAFETY: some of its berths were not back, so it is not free.
            unsafe { page.as_ref() }
        };
        // Release what was done with these; acquire for rule 2.
        if head.brought.fetch_add(berths, Ordering::AcqRel) + berths == BERTHS {
            head.brought.store(0, Ordering::Relaxed);
            depot().lock().push(page);
        }
    }

    /// # Safety
    ///
    /// It is free, and the caller has it alone.
    unsafe fn free(page: NonNull<Self>) {
        // SAFETY: made by `take` with this layout; the rest is the caller's promise.
        unsafe {
            page.drop_in_place();
            dealloc(page.cast().as_ptr(), LAYOUT);
        }
    }
}

// ----- free pages

/// Free pages.
#[derive(Default)]
struct Depot {
    first: Option<NonNull<Page>>,
}

// SAFETY: it has its pages alone.
unsafe impl Send for Depot {}

impl Depot {
    fn pop(&mut self) -> Option<NonNull<Page>> {
        let page = self.first?;
        // SAFETY: it is here, and so it is there.
        self.first = unsafe { page.as_ref() }.next.take();
        Some(page)
    }

    fn push(&mut self, page: NonNull<Page>) {
        // SAFETY: by rule 2 the caller has it alone.
        unsafe { page.as_ref() }.next.set(self.first.replace(page));
    }
}

impl Drop for Depot {
    fn drop(&mut self) {
        while let Some(page) = self.pop() {
            // SAFETY: free, and out of the depot.
            unsafe { Page::free(page) };
        }
    }
}

static DEPOT: Global<Mutex<Depot>> = Global::new(|| Mutex::new(Depot::default()));

fn depot() -> &'static Mutex<Depot> {
    DEPOT.get()
}

/// Gives free pages back to the allocator when a pool has needed nothing for `long`; those of other pools, too. Returns whether
/// there would be some.
pub(crate) fn trim(long: bool) -> bool {
    let Some(depot) = DEPOT.made() else { return false };
    let mut depot = depot.lock();
    if !long {
        return depot.first.is_some();
    }
    let free = std::mem::take(&mut *depot);
    drop(depot);
    // The allocator is not called under the lock.
    drop(free);
    false
}

/// In the child of a fork, where the depot may be locked by a thread that is not there.
pub(crate) fn forget_depot() {
    DEPOT.forget();
}

/// The addresses of the free pages, of so many at most.
#[cfg(all(test, shuttle))]
pub(crate) fn free(most: usize) -> Vec<std::num::NonZero<usize>> {
    let depot = depot().lock();
    let next = |page: &NonNull<Page>| {
        // SAFETY: it is in the depot.
        unsafe { page.as_ref() }.next.get()
    };
    std::iter::successors(depot.first, next).map(NonNull::addr).take(most).collect()
}

// ----- threads

/// What a thread has of pages.
struct Hands {
    /// The berth that it hands out next; at the end of a page, or null, it holds none.
    next: Cell<*mut u8>,
    /// The page of which it has brought berths back, and has not counted them there.
    from: Cell<Option<NonNull<Page>>>,
    brought: Cell<usize>,
}

sys::local! {
    static HANDS: Hands = const { Hands { next: Cell::new(ptr::null_mut()), from: Cell::new(None), brought: Cell::new(0) } };
}

impl Hands {
    #[inline(always)]
    fn take(&self) -> Berth {
        let berth = self.next.get();
        match NonNull::new(berth) {
            Some(next) if berth.addr() % ALIGN != PAGE => {
                self.next.set(berth.wrapping_add(BERTH));
                Berth(next)
            }
            _ => self.begin(),
        }
    }

    #[cold]
    #[inline(never)]
    fn begin(&self) -> Berth {
        let first = Page::first(Page::take());
        // An allocator that uses a pool may have begun one meanwhile.
        self.end_page();
        self.next.set(first.as_ptr().wrapping_add(BERTH));
        Berth(first)
    }

    /// Brings back what has not been handed out.
    fn end_page(&self) {
        if let Some(next) = NonNull::new(self.next.replace(ptr::null_mut())) {
            let left = (PAGE - next.addr().get() % ALIGN) / BERTH;
            if left > 0 {
                // SAFETY: rule 1: this thread holds them, and hands out no more.
                unsafe { Page::bring(page_of(next), left) };
            }
        }
    }

    #[inline(always)]
    fn bring(&self, page: NonNull<Page>) {
        if self.from.get() == Some(page) {
            self.brought.set(self.brought.get() + 1);
            if self.brought.get() == BERTHS {
                self.count();
            }
        } else {
            // Kept before the others are counted, by which this may be called again.
            Self::count_of(self.from.replace(Some(page)), self.brought.replace(1));
        }
    }

    fn count(&self) {
        Self::count_of(self.from.take(), self.brought.take());
    }

    fn count_of(from: Option<NonNull<Page>>, brought: usize) {
        if let Some(page) = from {
            // SAFETY: rule 1: of so many berths the drop has come here, and they are counted now.
            unsafe { Page::bring(page, brought) };
        }
    }
}

impl Drop for Hands {
    fn drop(&mut self) {
        self.count();
        self.end_page();
    }
}

pub(crate) fn page_of(berth: NonNull<u8>) -> NonNull<Page> {
    let page = berth.as_ptr().map_addr(|address| address & !(ALIGN - 1));
    // SAFETY: rule 3; a berth is not in the first page of memory, for it comes from the allocator.
    unsafe { NonNull::new_unchecked(page.cast()) }
}

/// Room for a job, which is brought back when this is dropped. Its bytes are what they happen to be; it lies at a multiple of
/// [`BERTH`].
pub(crate) struct Berth(NonNull<u8>);

// SAFETY: it is memory that nobody else refers to.
unsafe impl Send for Berth {}

impl Berth {
    #[inline(always)]
    pub(crate) fn take() -> Self {
        HANDS.try_with(Hands::take).unwrap_or_else(|_| Self::lone())
    }

    /// One whose neighbours nobody gets: the thread ends, and has nothing any more where it could keep a page.
    #[cold]
    fn lone() -> Self {
        let page = Page::take();
        // SAFETY: rule 1: all but one are held, and not handed out.
        unsafe { Page::bring(page, BERTHS - 1) };
        Self(Page::first(page))
    }

    pub(crate) fn as_ptr(&self) -> NonNull<u8> {
        self.0
    }
}

impl Drop for Berth {
    #[inline(always)]
    fn drop(&mut self) {
        let page = page_of(self.0);
        if HANDS.try_with(|hands| hands.bring(page)).is_err() {
            // SAFETY: rule 1.
            unsafe { Page::bring(page, 1) };
        }
    }
}

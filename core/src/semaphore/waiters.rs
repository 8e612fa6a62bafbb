//! The list of those who wait, first come, first served. Each node lives with the one who waits, so nothing is allocated.
//!
//! # Rules
//!
//! 1. *Listed nodes live.* From `push` until it is off the list a node is neither moved nor freed: its owner is pinned,
//!    and its owner's destructor takes it off.
//! 2. *Bodies are locked.* While a node is listed its body is touched only through `&mut Waiters`, which is behind the
//!    semaphore's lock; else only by its owner. So are its neighbours, which are listed as well.
//! 3. *The stage comes last.* Who takes a node off for its owner first takes out what it needs, and stores the stage with
//!    its last access: the owner may see the stage without the lock, and be gone at once.
//!
//! # Order
//!
//! The stage is stored with `Release` and read with `Acquire`: the owner of a granted node sees all that was done by those
//! who released its permits, and the node's body as rule 3 has left it.

use core::marker::PhantomPinned;
use core::pin::Pin;
use core::ptr::{self, NonNull};

use crate::sync::{AtomicUsize, Ordering, UnsafeCell};

/// How far a node has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Not listed.
    Idle,
    /// Listed.
    Waiting,
    /// Listed, at the head, and woken to look for itself.
    Called,
    /// Taken off by a releaser: the permits are the owner's.
    Granted,
    /// Taken off because the semaphore was closed.
    Closed,
}

pub(super) struct Node<U> {
    /// A [`Stage`].
    stage: AtomicUsize,
    body: UnsafeCell<Body<U>>,
    /// Others point to a listed node.
    _pinned: PhantomPinned,
}

struct Body<U> {
    count: usize,
    /// How often it was called.
    calls: usize,
    unparker: Option<U>,
    before: Link<U>,
    after: Link<U>,
}

type Link<U> = Option<NonNull<Node<U>>>;

// SAFETY: by rule 2 a body is touched by one context at a time, so that what it holds only moves between them.
unsafe impl<U: Send> Send for Node<U> {}
// SAFETY: as above; the stage is atomic.
unsafe impl<U: Send> Sync for Node<U> {}

impl<U> Node<U> {
    pub(super) fn new() -> Self {
        Self {
            stage: AtomicUsize::new(Stage::Idle as usize),
            body: UnsafeCell::new(Body { count: 0, calls: 0, unparker: None, before: None, after: None }),
            _pinned: PhantomPinned,
        }
    }

    pub(super) fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Acquire) {
            stage if stage == Stage::Idle as usize => Stage::Idle,
            stage if stage == Stage::Waiting as usize => Stage::Waiting,
            stage if stage == Stage::Called as usize => Stage::Called,
            stage if stage == Stage::Granted as usize => Stage::Granted,
            _ => Stage::Closed,
        }
    }

    /// The owner has taken note of the end of its wait.
    pub(super) fn reset(&self) {
        // SAFETY: rule 2, off the list it is the owner's alone. The model checker sees by this access that it is.
        let is_woken = self.body.with_mut(|body| unsafe { (*body).unparker.is_none() });
        debug_assert!(is_woken, "who takes a node off has taken out whom to wake");
        self.stage.store(Stage::Idle as usize, Ordering::Relaxed);
    }
}

pub(super) struct Waiters<U> {
    head: Link<U>,
    tail: Link<U>,
    len: usize,
}

// SAFETY: by rule 2 who has the list has the bodies of its nodes; what moves with them is `U`.
unsafe impl<U: Send> Send for Waiters<U> {}

impl<U> Waiters<U> {
    pub(super) const fn new() -> Self {
        Self { head: None, tail: None, len: 0 }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Lists a node at the end.
    ///
    /// # Safety
    ///
    /// The node is idle, the caller owns it, and keeps it pinned until it is off this list (rule 1).
    pub(super) unsafe fn push(&mut self, node: Pin<&Node<U>>, count: usize, unparker: U) {
        let before = self.tail;
        // SAFETY: rule 2, the caller owns the idle node.
        node.body.with_mut(|body| unsafe {
            *body = Body { count, calls: 0, unparker: Some(unparker), before, after: None };
        });
        node.stage.store(Stage::Waiting as usize, Ordering::Relaxed);
        let link = Some(NonNull::from(node.get_ref()));
        self.link_after(before, link);
        self.link_before(None, link);
        self.len += 1;
    }

    /// What the first in the list asks for.
    pub(super) fn head_count(&self) -> Option<usize> {
        Self::count(self.head)
    }

    /// What the one behind the first asks for.
    pub(super) fn next_count(&self) -> Option<usize> {
        // SAFETY: rules 1 and 2, the head is listed.
        Self::count(unsafe { self.head?.as_ref() }.body.with_mut(|body| unsafe { (*body).after }))
    }

    fn count(node: Link<U>) -> Option<usize> {
        // SAFETY: rules 1 and 2, the callers have it from the list.
        node.map(|node| unsafe { node.as_ref() }.body.with_mut(|body| unsafe { (*body).count }))
    }

    /// The first is to look for itself. Returns who is to be woken, after the lock is released.
    pub(super) fn call(&mut self) -> Option<U> {
        // SAFETY: rule 1, the head is listed.
        let node = unsafe { self.head?.as_ref() };
        // SAFETY: rule 2, the node is listed.
        let unparker = node.body.with_mut(|body| unsafe {
            (*body).calls += 1;
            (*body).unparker.take()
        });
        node.stage.store(Stage::Called as usize, Ordering::Release);
        unparker
    }

    /// How often a node was called.
    ///
    /// # Safety
    ///
    /// The node is in this list.
    #[expect(clippy::unused_self, reason = "rule 2: who has the list has its lock")]
    pub(super) unsafe fn calls(&self, node: &Node<U>) -> usize {
        // SAFETY: rule 2, the node is listed.
        node.body.with_mut(|body| unsafe { (*body).calls })
    }

    /// Takes off the first and tells it why. Returns who is to be woken, after the lock is released.
    pub(super) fn pop(&mut self, stage: Stage) -> Option<U> {
        let head = self.head?;
        // SAFETY: rule 1, the head is listed.
        let node = unsafe { head.as_ref() };
        self.unlink(node);
        // SAFETY: rule 2, its owner does not know yet that it is off the list.
        let unparker = node.body.with_mut(|body| unsafe { (*body).unparker.take() });
        // Rule 3.
        node.stage.store(stage as usize, Ordering::Release);
        unparker
    }

    /// Takes off a node that needs nothing any more. Returns whether it was the first, so that another one is now.
    ///
    /// # Safety
    ///
    /// The node is in this list; the caller has seen it in [`Stage::Waiting`] or [`Stage::Called`] under the lock.
    pub(super) unsafe fn remove(&mut self, node: &Node<U>) -> bool {
        let was_head = self.head.is_some_and(|head| ptr::eq(head.as_ptr(), node));
        self.unlink(node);
        node.stage.store(Stage::Idle as usize, Ordering::Relaxed);
        was_head
    }

    /// The node waits on, and this is to be woken. Returns what was, to be dropped after the lock is released.
    ///
    /// # Safety
    ///
    /// As for [`Waiters::remove`].
    #[expect(clippy::unused_self, reason = "rule 2: who has the list has its lock")]
    pub(super) unsafe fn replace(&mut self, node: &Node<U>, unparker: U) -> Option<U> {
        node.stage.store(Stage::Waiting as usize, Ordering::Relaxed);
        // SAFETY: rule 2, the node is listed.
        node.body.with_mut(|body| unsafe { (*body).unparker.replace(unparker) })
    }

    /// Joins the neighbours of a listed node.
    fn unlink(&mut self, node: &Node<U>) {
        // SAFETY: rule 2, the node is listed.
        let (before, after) = node.body.with_mut(|body| unsafe { ((*body).before, (*body).after) });
        self.link_after(before, after);
        self.link_before(after, before);
        self.len -= 1;
    }

    /// `after` shall follow `before`, which is the list itself if there is none.
    fn link_after(&mut self, before: Link<U>, after: Link<U>) {
        match before {
            // SAFETY: rules 1 and 2, neighbours are listed.
            Some(before) => unsafe { before.as_ref() }.body.with_mut(|body| unsafe { (*body).after = after }),
            None => self.head = after,
        }
    }

    /// `before` shall precede `after`, which is the list itself if there is none.
    fn link_before(&mut self, after: Link<U>, before: Link<U>) {
        match after {
            // SAFETY: rules 1 and 2, neighbours are listed.
            Some(after) => unsafe { after.as_ref() }.body.with_mut(|body| unsafe { (*body).before = before }),
            None => self.tail = before,
        }
    }
}

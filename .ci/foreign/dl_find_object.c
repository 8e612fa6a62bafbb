// glibc's function by which gcc's unwinder finds a table, for musl, by the one that both have.
#define _GNU_SOURCE
#include <link.h>

struct found {
  unsigned long long flags;
  void *start, *end;
  struct link_map *map;
  void *eh_frame;
  unsigned long long reserved[7];
};

struct search {
  unsigned long pc;
  struct found *found;
  int status;
};

static int look(struct dl_phdr_info *object, size_t size, void *data) {
  struct search *search = data;
  void *table = 0;
  int inside = 0;
  for (int n = 0; n < object->dlpi_phnum; n++) {
    const ElfW(Phdr) *part = &object->dlpi_phdr[n];
    unsigned long at = object->dlpi_addr + part->p_vaddr;
    if (part->p_type == PT_LOAD && search->pc >= at && search->pc < at + part->p_memsz) {
      inside = 1;
      search->found->start = (void *)at;
      search->found->end = (void *)(at + part->p_memsz);
    }
    if (part->p_type == PT_GNU_EH_FRAME)
      table = (void *)at;
  }
  if (!inside || !table)
    return 0;
  search->found->flags = 0;
  search->found->map = 0;
  search->found->eh_frame = table;
  search->status = 0;
  return 1;
}

int _dl_find_object(void *pc, struct found *found) {
  struct search search = {(unsigned long)pc, found, -1};
  dl_iterate_phdr(look, &search);
  return search.status;
}

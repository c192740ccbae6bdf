//! The allocator of guests. Linking this crate makes it the program's own.
//!
//! An instance lives for one evaluation, and its memory goes with it. So nothing is ever given back or joined: a piece is
//! cut from the end of memory, and once free it waits in the list of its size for the next one of that size. That is a
//! few instructions each, evaluations that make and drop much stay small, and what is touched lies close together.
//!
//! The sizes are the multiples of 16 up to 512 bytes, and from there four to each power of two, so that no piece is a
//! quarter larger than what it holds.

#![cfg(target_arch = "wasm32")]

use std::alloc::{GlobalAlloc, Layout};
use std::arch::wasm32::memory_grow;
use std::cell::UnsafeCell;
use std::ptr;

/// Every piece begins at a multiple of this.
const ALIGN: usize = 16;
/// Up to here, sizes are multiples of [`ALIGN`].
const SMALL_MAX: usize = 512;
const SMALL_CLASSES: usize = SMALL_MAX / ALIGN;
/// Four to each power of two above [`SMALL_MAX`], on 32 bits.
const CLASSES: usize = SMALL_CLASSES + 4 * (usize::BITS - SMALL_MAX.ilog2()) as usize;
const PAGE_BYTES: usize = 64 * 1024;
/// Growing is a call to the host, so it is done in large steps; a page that is not touched costs nothing.
const GROWTH_BYTES: usize = 1024 * 1024;

/// A size of pieces.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Class {
    index: usize,
    bytes: usize,
}

impl Class {
    /// Finds the smallest size that holds `bytes`; nothing when there is none.
    const fn of(bytes: usize) -> Option<Self> {
        if bytes <= SMALL_MAX {
            let index = bytes.saturating_sub(1) / ALIGN;
            return Some(Self {
                index,
                bytes: (index + 1) * ALIGN,
            });
        }
        let last = bytes - 1;
        let log = last.ilog2();
        let shift = log - 2;
        let quarter = last >> shift;
        let Some(bytes) = (quarter + 1).checked_mul(1 << shift) else {
            return None;
        };
        Some(Self {
            index: SMALL_CLASSES + 4 * (log - SMALL_MAX.ilog2()) as usize + (quarter - 4),
            bytes,
        })
    }
}

/// The inverse of [`Class::of`]: what pieces of a size have.
const fn class_bytes(index: usize) -> usize {
    if index < SMALL_CLASSES {
        return (index + 1) * ALIGN;
    }
    let above = index - SMALL_CLASSES;
    (above % 4 + 5) << (SMALL_MAX.ilog2() as usize + above / 4 - 2)
}

/// Every size holds itself, and one byte more needs the next size.
const _: () = {
    let mut index = 0;
    while index < CLASSES - 4 {
        let bytes = class_bytes(index);
        assert!(bytes.is_multiple_of(ALIGN));
        assert!(
            matches!(Class::of(bytes), Some(class) if class.index == index && class.bytes == bytes)
        );
        assert!(matches!(Class::of(bytes + 1), Some(class) if class.index == index + 1));
        index += 1;
    }
};

/// Memory that nobody has had yet, and the free pieces of each size.
struct Pieces {
    /// For each size the first free piece, which holds where the next one is.
    free: [*mut u8; CLASSES],
    next: usize,
    end: usize,
}

impl Pieces {
    const NONE: Self = Self {
        free: [ptr::null_mut(); CLASSES],
        next: 0,
        end: 0,
    };

    fn take(&mut self, layout: Layout) -> *mut u8 {
        if layout.align() > ALIGN {
            return self.cut(layout.size(), layout.align());
        }
        let Some(class) = Class::of(layout.size()) else {
            return ptr::null_mut();
        };
        let piece = self.free[class.index];
        if piece.is_null() {
            return self.cut(class.bytes, ALIGN);
        }
        // SAFETY: `give` wrote a pointer into this piece, and nobody has had the piece since.
        self.free[class.index] = unsafe { piece.cast::<*mut u8>().read() };
        piece
    }

    /// Cuts a piece from the memory that nobody has had yet; null where the host has no more.
    #[inline(always)]
    fn cut(&mut self, bytes: usize, align: usize) -> *mut u8 {
        let start = self.next.next_multiple_of(align);
        if self.end.saturating_sub(start) >= bytes {
            self.next = start + bytes;
            return ptr::with_exposed_provenance_mut(start);
        }
        self.cut_more(bytes, align)
    }

    #[cold]
    fn cut_more(&mut self, bytes: usize, align: usize) -> *mut u8 {
        let wanted = bytes.saturating_add(align).max(GROWTH_BYTES);
        if !self.grow(wanted) {
            return ptr::null_mut();
        }
        let start = self.next.next_multiple_of(align);
        self.next = start + bytes;
        ptr::with_exposed_provenance_mut(start)
    }

    fn grow(&mut self, bytes: usize) -> bool {
        let Some((start, end)) = more(bytes) else {
            return false;
        };
        if start != self.end {
            self.next = start;
        }
        self.end = end;
        true
    }

    /// # Safety
    /// The piece was taken with this layout, and is not used again.
    unsafe fn give(&mut self, piece: *mut u8, layout: Layout) {
        // One that needed a special place is not worth remembering.
        if layout.align() > ALIGN {
            return;
        }
        if let Some(class) = Class::of(layout.size()) {
            // SAFETY: a piece has at least `ALIGN` bytes and begins at a multiple of it.
            unsafe { piece.cast::<*mut u8>().write(self.free[class.index]) };
            self.free[class.index] = piece;
        }
    }

    /// Empties every free piece and forgets it; what comes next begins on a page of its own.
    fn settle(&mut self) {
        for (index, first) in self.free.iter_mut().enumerate() {
            let bytes = class_bytes(index);
            let mut piece = std::mem::replace(first, ptr::null_mut());
            while !piece.is_null() {
                // SAFETY: `give` wrote a pointer into this piece, which is as large as its size says and nobody's.
                unsafe {
                    let next = piece.cast::<*mut u8>().read();
                    piece.write_bytes(0, bytes);
                    piece = next;
                }
            }
        }
        self.next = self.next.next_multiple_of(PAGE_BYTES).min(self.end);
    }
}

struct Heap(UnsafeCell<Pieces>);

// SAFETY: a guest has one thread.
unsafe impl Sync for Heap {}

#[global_allocator]
static HEAP: Heap = Heap(UnsafeCell::new(Pieces::NONE));

/// What most evaluations need: a part of the memory that an instance begins with, which need not grow then.
struct Room(UnsafeCell<[u8; GROWTH_BYTES]>);

// SAFETY: as above.
unsafe impl Sync for Room {}

static ROOM: Room = Room(UnsafeCell::new([0; GROWTH_BYTES]));

/// Grows memory.
fn more(bytes: usize) -> Option<(usize, usize)> {
    let pages = bytes.div_ceil(PAGE_BYTES);
    let start = memory_grow::<0>(pages);
    (start != usize::MAX).then(|| {
        let start = start * PAGE_BYTES;
        (start, start.saturating_add(pages * PAGE_BYTES))
    })
}

impl Heap {
    #[expect(
        clippy::mut_from_ref,
        reason = "a guest has one thread, and no call is inside another"
    )]
    fn pieces(&self) -> &mut Pieces {
        // SAFETY: as above.
        let pieces = unsafe { &mut *self.0.get() };
        if pieces.end == 0 {
            pieces.next = ROOM.0.get().expose_provenance();
            pieces.end = pieces.next + GROWTH_BYTES;
        }
        pieces
    }
}

// SAFETY: pieces are disjoint, as large and aligned as asked for, and stay where they are.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.pieces().take(layout)
    }

    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is the same.
        unsafe { self.pieces().give(piece, layout) }
    }

    unsafe fn realloc(&self, piece: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        // A piece that stays of its size stays where it is. Every other goes to the list that its new size says.
        if layout.align() <= ALIGN && Class::of(layout.size()) == Class::of(bytes) {
            return piece;
        }
        // SAFETY: the caller's promise: `piece` has this layout, and `bytes` with its alignment is a layout.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(bytes, layout.align()));
            if !moved.is_null() {
                ptr::copy_nonoverlapping(piece, moved, layout.size().min(bytes));
                self.dealloc(piece, layout);
            }
            moved
        }
    }
}

/// Makes memory fit to be an image: free pieces are emptied, and `room` bytes lie ready behind what is in use.
pub fn settle(room: usize) {
    let pieces = HEAP.pieces();
    pieces.settle();
    if pieces.end - pieces.next < room {
        pieces.grow(room);
    }
}

//! The system's allocator with a count of the bytes in use, so that what a memory holds can be told
//! to the byte. It counts what was asked for, not what an allocator rounds it up to.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Counts, and passes everything on.
pub struct Counting {
    bytes: AtomicUsize,
    calls: AtomicUsize,
}

impl Counting {
    /// Nothing counted yet.
    pub const fn new() -> Self {
        Self {
            bytes: AtomicUsize::new(0),
            calls: AtomicUsize::new(0),
        }
    }

    /// Bytes in use.
    pub fn bytes(&self) -> usize {
        self.bytes.load(Relaxed)
    }

    /// Allocations made so far.
    pub fn calls(&self) -> usize {
        self.calls.load(Relaxed)
    }

    /// Load and store apart cost next to nothing, and are enough: the benchmark has one thread.
    fn note(&self, freed: usize, taken: usize) {
        let bytes = self.bytes.load(Relaxed).wrapping_sub(freed);
        self.bytes.store(bytes.wrapping_add(taken), Relaxed);
        if taken > 0 {
            self.calls.store(self.calls.load(Relaxed) + 1, Relaxed);
        }
    }
}

// The trait is unsafe to implement. Every call goes on to the system's allocator as it came.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.note(0, layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        self.note(layout.size(), 0);
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        self.note(layout.size(), size);
        unsafe { System.realloc(place, layout, size) }
    }
}

//! What overlays show, on images made here.

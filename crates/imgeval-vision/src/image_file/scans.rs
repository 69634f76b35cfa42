//! What the scans of a JPEG bring, so that a file that lacks its last marker can be told from one that ends early.

use std::collections::BTreeMap;

/// More scans than any encoder's script has; each costs a pass over the whole image.
const MAX_SCANS: usize = 200;
const COEFFICIENTS: usize = 64;

/// The scans seen so far.
#[derive(Debug)]
pub(super) struct Scans {
    is_progressive: bool,
    is_arithmetic: bool,
    count: usize,
    /// By the frame's component: how many low bits of each coefficient are still to come, `None` where nothing came.
    missing_bits: BTreeMap<u8, [Option<u8>; COEFFICIENTS]>,
}

impl Scans {
    /// From the start-of-frame marker and what follows the number of components in its segment.
    pub(super) fn new(marker: u8, components: &[u8]) -> Self {
        let ids = components.chunks_exact(3).map(|component| component[0]);
        Self {
            is_progressive: matches!(marker, 0xC2 | 0xC6 | 0xCA | 0xCE),
            is_arithmetic: marker > 0xC8,
            count: 0,
            missing_bits: ids.map(|id| (id, [None; COEFFICIENTS])).collect(),
        }
    }

    /// From a start-of-scan segment; what the segment lacks is not counted.
    pub(super) fn add(&mut self, segment: &[u8]) {
        self.count += 1;
        let Some((&component_count, rest)) = segment.split_first() else { return };
        let Some((components, spectrum)) = rest.split_at_checked(2 * usize::from(component_count)) else {
            return;
        };
        let [first, last, low_bits] = match spectrum {
            [first, last, approximation, ..] if self.is_progressive => [*first, *last, approximation & 0x0F],
            _ => [0, 63, 0],
        };
        for component in components.chunks_exact(2) {
            if let Some(missing) = self.missing_bits.get_mut(&component[0])
                && let Some(missing) = missing.get_mut(usize::from(first)..=usize::from(last))
            {
                missing.fill(Some(low_bits));
            }
        }
    }

    pub(super) fn n_components(&self) -> u64 {
        self.missing_bits.len() as u64
    }

    /// Whether the decoder has to keep what scans bring until all have come.
    pub(super) fn are_several(&self) -> bool {
        self.is_progressive || self.count > 1
    }

    pub(super) fn are_none(&self) -> bool {
        self.count == 0
    }

    pub(super) fn are_too_many(&self) -> bool {
        self.count > MAX_SCANS
    }

    /// Whether every coefficient of every component came to its last bit. The end of arithmetic data is only known by the
    /// marker behind it, since an encoder may leave off zeros.
    pub(super) fn are_complete(&self) -> bool {
        let is_self_delimiting = !self.is_arithmetic;
        is_self_delimiting
            && self.count > 0
            && self.missing_bits.values().flatten().all(|missing| *missing == Some(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPONENTS: [u8; 9] = [1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1];

    fn check(marker: u8, scans: &[&[u8]], is_complete: bool) {
        let mut found = Scans::new(marker, &COMPONENTS);
        for scan in scans {
            found.add(scan);
        }
        assert_eq!(found.are_complete(), is_complete, "{scans:?}");
    }

    #[test]
    fn every_component_must_come() {
        check(0xC0, &[], false);
        check(0xC0, &[&[3, 1, 0, 2, 0, 3, 0, 0, 63, 0]], true);
        check(0xC0, &[&[1, 1, 0, 0, 63, 0], &[1, 3, 0, 0, 63, 0]], false);
        check(0xC0, &[&[1, 1, 0, 0, 63, 0], &[2, 2, 0, 3, 0, 0, 63, 0]], true);
        check(0xC9, &[&[3, 1, 0, 2, 0, 3, 0, 0, 63, 0]], false);
        // A scan cut off in its header.
        check(0xC0, &[&[3, 1, 0, 2]], false);
    }

    #[test]
    fn progressive_coefficients_must_come_to_their_last_bit() {
        let direct: &[u8] = &[3, 1, 0, 2, 0, 3, 0, 0, 0, 0x01];
        let [y, cb, cr]: [&[u8]; 3] = [&[1, 1, 0, 1, 63, 0], &[1, 2, 0, 1, 63, 0], &[1, 3, 0, 1, 63, 0]];
        let refined: &[u8] = &[3, 1, 0, 2, 0, 3, 0, 0, 0, 0x10];
        check(0xC2, &[direct, y, cb, cr], false);
        check(0xC2, &[direct, y, cb, refined], false);
        check(0xC2, &[direct, y, cb, cr, refined], true);
        check(0xC2, &[direct, &[1, 1, 0, 1, 5, 0], cb, cr, refined], false);
    }

    #[test]
    fn scans_are_counted() {
        let mut scans = Scans::new(0xC2, &COMPONENTS);
        (0..MAX_SCANS).for_each(|_| scans.add(&[]));
        assert!(!scans.are_too_many());
        scans.add(&[]);
        assert!(scans.are_too_many());
    }
}

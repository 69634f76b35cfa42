//! Groups of images that show the same, for folders that do not say which prompt made them.
//!
//! The hash is dHash: luma scaled to 9x8 pixels, and a bit for each pixel that is brighter than its right neighbor (64 bits).
//! Images whose hashes differ in few bits are joined, and whoever is joined with a common third. It finds copies, recompressed and
//! slightly changed ones, and one photograph seen through two decoders. It does not find two crops of one photograph, nor two
//! images of one prompt: name those by `groups.jsonl`.

use imgeval_core::{GrayPixels, Pixels};
use imgeval_vision::resample::pillow::{Filter, resize_gray};

/// Hashes that differ in at most this many of 64 bits count as the same image. Unrelated images differ in about 32
/// with a standard deviation of at least 4; joining too many only makes groups larger, which is the safe side.
pub(super) const MAX_DISTANCE: u32 = 6;

/// The 64 bits, row by row, the first in the highest place.
#[must_use]
pub(super) fn difference_hash(pixels: &Pixels) -> u64 {
    let small = resize_gray(&GrayPixels::luma_of(pixels), 9, 8, Filter::Bilinear);
    let rows = small.values().chunks_exact(9);
    let bits = rows.flat_map(|row| row.windows(2).map(|pair| u64::from(pair[0] > pair[1])));
    bits.fold(0, |hash, bit| hash << 1 | bit)
}

/// The group of each image, numbered from 0 by first appearance.
#[must_use]
pub(super) fn group_near_duplicates(hashes: &[u64], max_distance: u32) -> Vec<usize> {
    let mut leaders: Vec<usize> = (0..hashes.len()).collect();
    for (index, hash) in hashes.iter().enumerate() {
        for (other, other_hash) in hashes[..index].iter().enumerate() {
            if (hash ^ other_hash).count_ones() <= max_distance {
                let (a, b) = (leader_of(&mut leaders, index), leader_of(&mut leaders, other));
                leaders[a.max(b)] = a.min(b);
            }
        }
    }
    let mut numbers = vec![None; hashes.len()];
    let mut n_groups = 0;
    (0..hashes.len())
        .map(|index| {
            let leader = leader_of(&mut leaders, index);
            *numbers[leader].get_or_insert_with(|| {
                n_groups += 1;
                n_groups - 1
            })
        })
        .collect()
}

/// The smallest member known of the group, with the way there shortened.
fn leader_of(leaders: &mut [usize], mut index: usize) -> usize {
    while leaders[index] != index {
        leaders[index] = leaders[leaders[index]];
        index = leaders[index];
    }
    index
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        alike::{Subsampling, compressed},
        textures::texture,
    };

    #[test]
    fn a_slope_gives_all_bits_and_its_mirror_none() {
        let slope = |falls: bool| {
            let value = |x: u32| if falls { 250 - 10 * x } else { 10 * x };
            let rgb = (0..24 * 24 * 3).map(|index| value(index / 3 % 24) as u8).collect();
            Pixels::new(24, 24, rgb).unwrap()
        };
        assert_eq!(difference_hash(&slope(true)), u64::MAX);
        assert_eq!(difference_hash(&slope(false)), 0);
    }

    #[test]
    fn recompressed_pictures_belong_together_and_others_do_not() {
        let pictures: Vec<Pixels> = (0..30).map(|seed| texture(seed, 96, 96)).collect();
        let again = pictures.iter().map(|picture| compressed(picture, 40, Subsampling::Half).unwrap());
        let hashes: Vec<u64> =
            pictures.iter().map(difference_hash).chain(again.map(|p| difference_hash(&p))).collect();
        let groups = group_near_duplicates(&hashes, MAX_DISTANCE);
        assert_eq!(groups[..30], (0..30).collect::<Vec<_>>());
        assert_eq!(groups[30..], groups[..30]);
    }

    #[test]
    fn chains_are_joined() {
        assert_eq!(group_near_duplicates(&[0, 0xFFFF, 0x3F, 0xFFF, u64::MAX], 6), [0, 0, 0, 0, 1]);
        assert!(group_near_duplicates(&[], 6).is_empty());
    }
}

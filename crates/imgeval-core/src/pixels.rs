//! Decoded pixels, as every observer sees them.

use std::{fmt, sync::Arc};

use crate::memory::Reservation;

/// An upright 8-bit RGB image, row by row, three bytes a pixel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pixels {
    width: u32,
    height: u32,
    rgb: Bytes,
    memory: Memory,
}

/// Bytes that somebody else owns, unchanged as long as they are held here.
pub type SharedBytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

#[derive(Clone)]
enum Bytes {
    Owned(Vec<u8>),
    Shared(SharedBytes),
}

impl Bytes {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Owned(bytes) => bytes,
            Self::Shared(bytes) => (**bytes).as_ref(),
        }
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_slice().fmt(formatter)
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Bytes {}

/// What an image has reserved. It is no part of what the image shows, and a copy reserves nothing.
#[derive(Debug, Default)]
struct Memory(Option<Reservation>);

impl Clone for Memory {
    fn clone(&self) -> Self {
        Self(None)
    }
}

impl PartialEq for Memory {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Memory {}

impl Pixels {
    /// `None` if a side is zero or `rgb` does not hold `width * height * 3` bytes.
    #[must_use]
    pub fn new(width: u32, height: u32, rgb: Vec<u8>) -> Option<Self> {
        Self::of(width, height, Bytes::Owned(rgb))
    }

    /// The same over bytes that are not copied.
    #[must_use]
    pub fn sharing(width: u32, height: u32, rgb: SharedBytes) -> Option<Self> {
        Self::of(width, height, Bytes::Shared(rgb))
    }

    fn of(width: u32, height: u32, rgb: Bytes) -> Option<Self> {
        let expected = u64::from(width).checked_mul(u64::from(height))?.checked_mul(3)?;
        let is_whole = expected > 0 && expected == rgb.as_slice().len() as u64;
        is_whole.then_some(Self { width, height, rgb, memory: Memory::default() })
    }

    /// The same image, which keeps this reservation until it is dropped.
    #[must_use]
    pub fn holding(self, reservation: Reservation) -> Self {
        Self { memory: Memory(Some(reservation)), ..self }
    }

    /// The same image without a reservation, for small ones that are kept in numbers.
    #[must_use]
    pub fn uncounted(self) -> Self {
        Self { memory: Memory::default(), ..self }
    }

    /// To be called before the image goes to another thread. That thread must not decode images itself.
    pub fn hand_over(&mut self) {
        if let Some(reservation) = &mut self.memory.0 {
            reservation.hand_over();
        }
    }

    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    #[must_use]
    pub fn rgb(&self) -> &[u8] {
        self.rgb.as_slice()
    }

    /// The pixel at column `x` and row `y`; both must lie inside.
    #[must_use]
    pub fn at(&self, x: u32, y: u32) -> [u8; 3] {
        let start = (y as usize * self.width as usize + x as usize) * 3;
        let rgb = self.rgb.as_slice();
        [rgb[start], rgb[start + 1], rgb[start + 2]]
    }
}

/// An upright 8-bit gray image, row by row, a byte a pixel: a mask of a region, or a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrayPixels {
    width: u32,
    height: u32,
    values: Vec<u8>,
}

impl GrayPixels {
    /// `None` if a side is zero or `values` does not hold `width * height` bytes.
    #[must_use]
    pub fn new(width: u32, height: u32, values: Vec<u8>) -> Option<Self> {
        let expected = u64::from(width).checked_mul(u64::from(height))?;
        (expected > 0 && expected == values.len() as u64).then_some(Self { width, height, values })
    }

    /// Luma as Pillow's `convert("L")` has it: ITU-R 601 in 16-bit fixed point, rounded half up. Gray stays what it is.
    #[must_use]
    pub fn luma_of(pixels: &Pixels) -> Self {
        let luma = |pixel: &[u8; 3]| {
            let [red, green, blue] = pixel.map(u32::from);
            ((19_595 * red + 38_470 * green + 7_471 * blue + 0x8000) >> 16) as u8
        };
        let values = pixels.rgb().as_chunks().0.iter().map(luma).collect();
        Self { width: pixels.width, height: pixels.height, values }
    }

    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    #[must_use]
    pub fn values(&self) -> &[u8] {
        &self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luma_is_rounded_half_up_and_grey_stays() {
        let check = |pixel: [u8; 3], expected: u8| {
            let pixels = Pixels::new(1, 1, pixel.to_vec()).unwrap();
            assert_eq!(GrayPixels::luma_of(&pixels).values(), [expected], "{pixel:?}");
        };
        // Pillow 12.0: `Image.new("RGB", (1, 1), pixel).convert("L").getpixel((0, 0))`.
        check([255, 0, 0], 76);
        check([0, 255, 0], 150);
        check([0, 0, 255], 29);
        check([200, 100, 50], 124);
        check([1, 0, 1], 0);
        (0..=255).for_each(|grey| check([grey; 3], grey));
    }

    #[test]
    fn sides_and_bytes_must_agree() {
        assert!(Pixels::sharing(1, 1, Arc::new([0; 3])).is_some_and(|pixels| pixels.at(0, 0) == [0; 3]));
        assert!(Pixels::sharing(1, 1, Arc::new([0; 4])).is_none());
        assert!(GrayPixels::new(2, 2, vec![0; 4]).is_some());
        assert!(GrayPixels::new(2, 2, vec![0; 3]).is_none() && GrayPixels::new(0, 2, Vec::new()).is_none());
    }
}

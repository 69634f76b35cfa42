//! The layout of one tensor in its file.

use std::ops::Range;

use super::error::TensorProblem;

/// No network needs more; bounds what a hostile shape can cost.
const MAX_RANK: usize = 16;

/// Tensors that repeat their storage (broadcast views) may still have this many elements; weights never repeat.
const MAX_REPEATED: usize = 1 << 20;

/// Shape and type of a stored tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorInfo {
    pub shape: Vec<usize>,
    pub dtype: StoredType,
}

/// What the numbers of a stored tensor are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredType {
    F64,
    F32,
    F16,
    BF16,
    I64,
    I32,
    I16,
    I8,
    U8,
    Bool,
    /// Complex, quantized, 8-bit floating-point and other types, which are listed but not read.
    Other,
}

impl StoredType {
    /// Bytes of one element; `None` if not known.
    pub(super) const fn size(self) -> Option<usize> {
        match self {
            Self::F64 | Self::I64 => Some(8),
            Self::F32 | Self::I32 => Some(4),
            Self::F16 | Self::BF16 | Self::I16 => Some(2),
            Self::I8 | Self::U8 | Self::Bool => Some(1),
            Self::Other => None,
        }
    }
}

/// A tensor, checked against its file.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) info: TensorInfo,
    /// Which file of the set.
    pub(super) file: usize,
    /// The bytes from the first to the last element.
    pub(super) bytes: Range<usize>,
    /// In elements, one a dimension; `None` where the elements lie in row-major order without gaps.
    pub(super) strides: Option<Vec<usize>>,
}

/// A tensor as a pickle describes it: a view into a storage, in elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    pub(super) offset: u64,
    pub(super) shape: Vec<u64>,
    pub(super) strides: Vec<u64>,
    pub(super) dtype: StoredType,
}

impl View {
    /// Checks the view against a storage of `storage_elements` that lies at `storage` in file `file`.
    pub(super) fn place(
        &self,
        file: usize,
        storage: Range<usize>,
        storage_elements: u64,
    ) -> Result<Stored, TensorProblem> {
        let rank = self.shape.len();
        if rank > MAX_RANK {
            return Err(TensorProblem::Rank { found: rank, limit: MAX_RANK });
        }
        if self.strides.len() != rank {
            return Err(TensorProblem::Strides { shape: rank, strides: self.strides.len() });
        }
        let shape = to_usize(&self.shape).ok_or(TensorProblem::Shape)?;
        let count = element_count(&shape).ok_or(TensorProblem::Shape)?;
        let info = TensorInfo { shape, dtype: self.dtype };
        let Some(size) = self.dtype.size() else {
            return Ok(Stored { info, file, bytes: storage, strides: None });
        };
        if count == 0 {
            return Ok(Stored { info, file, bytes: storage.start..storage.start, strides: None });
        }
        let out_of_storage = TensorProblem::OutOfStorage { storage: storage_elements };
        let end = self.end().filter(|end| *end <= storage_elements).ok_or(out_of_storage.clone())?;
        if count as u64 > storage_elements && count > MAX_REPEATED {
            return Err(TensorProblem::Repeated { found: count, storage: storage_elements });
        }
        let byte = |element: u64| {
            let offset = usize::try_from(element).ok()?.checked_mul(size)?;
            storage.start.checked_add(offset).filter(|byte| *byte <= storage.end)
        };
        let (Some(first), Some(last)) = (byte(self.offset), byte(end)) else {
            return Err(out_of_storage);
        };
        let strides = to_usize(&self.strides).ok_or(out_of_storage)?;
        let strides = (!is_row_major(&info.shape, &strides)).then_some(strides);
        Ok(Stored { info, file, bytes: first..last, strides })
    }

    /// One past the last element, if it can be counted; the view is not empty.
    fn end(&self) -> Option<u64> {
        let steps = self.shape.iter().zip(&self.strides);
        let last = steps
            .map(|(size, stride)| (size - 1).checked_mul(*stride))
            .try_fold(self.offset, |sum, step| sum.checked_add(step?))?;
        last.checked_add(1)
    }
}

/// Elements of a shape, if their number and that of their bytes (8 each at most) can be held.
pub(super) fn element_count(shape: &[usize]) -> Option<usize> {
    if shape.contains(&0) {
        return Some(0);
    }
    let count = shape.iter().try_fold(1_usize, |count, size| count.checked_mul(*size))?;
    count.checked_mul(8).filter(|bytes| isize::try_from(*bytes).is_ok())?;
    Some(count)
}

fn to_usize(numbers: &[u64]) -> Option<Vec<usize>> {
    numbers.iter().map(|number| usize::try_from(*number).ok()).collect()
}

/// Dimensions of size 1 may have any stride.
fn is_row_major(shape: &[usize], strides: &[usize]) -> bool {
    let mut expected = 1;
    for (size, stride) in shape.iter().zip(strides).rev() {
        if *size != 1 && *stride != expected {
            return false;
        }
        expected *= size;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(offset: u64, shape: &[u64], strides: &[u64]) -> View {
        View { offset, shape: shape.to_vec(), strides: strides.to_vec(), dtype: StoredType::F32 }
    }

    #[test]
    fn views_inside_their_storage_are_placed() {
        let check = |view: View, bytes: Range<usize>, is_row_major: bool| {
            let stored = view.place(0, 100..140, 10).unwrap();
            assert_eq!((stored.bytes, stored.strides.is_none()), (bytes, is_row_major));
        };
        check(view(0, &[2, 5], &[5, 1]), 100..140, true);
        check(view(4, &[2, 3], &[3, 1]), 116..140, true);
        check(view(0, &[5, 2], &[1, 5]), 100..140, false);
        check(view(9, &[], &[]), 136..140, true);
        check(view(3, &[1, 4], &[99, 1]), 112..128, true);
        check(view(0, &[0, 1 << 60], &[1 << 62, 1]), 100..100, true);
    }

    #[test]
    fn views_beyond_their_storage_are_refused() {
        let check = |view: View, problem: TensorProblem| {
            assert_eq!(view.place(0, 100..140, 10).unwrap_err(), problem);
        };
        let outside = TensorProblem::OutOfStorage { storage: 10 };
        check(view(1, &[2, 5], &[5, 1]), outside.clone());
        check(view(0, &[2, 2], &[9, 1]), outside.clone());
        check(view(u64::MAX, &[1], &[1]), outside.clone());
        check(view(0, &[3], &[u64::MAX / 2]), outside);
        check(view(0, &[1 << 40, 1 << 40], &[0, 0]), TensorProblem::Shape);
        check(view(0, &[1 << 62], &[0]), TensorProblem::Shape);
        check(view(0, &[1 << 30], &[0]), TensorProblem::Repeated { found: 1 << 30, storage: 10 });
        check(view(0, &[2], &[]), TensorProblem::Strides { shape: 1, strides: 0 });
        check(view(0, &[1; 17], &[1; 17]), TensorProblem::Rank { found: 17, limit: 16 });
    }
}

//! NumPy's file format `.npy` (versions 1 to 3), for images of bytes.

use std::sync::Arc;

use imgeval_core::Pixels;

/// Images of an array `[batch, height, width, 3]` of bytes.
pub(super) struct Images {
    pub(super) shape: [usize; 4],
    pub(super) pictures: Vec<Arc<Pixels>>,
    /// The smallest and largest byte.
    pub(super) range: (u8, u8),
}

/// Reads a whole file.
///
/// # Errors
/// One sentence if it is not an array of this kind.
pub(super) fn images_of(file: &[u8]) -> Result<Images, String> {
    let not_npy = || "the images are not in NumPy's .npy format".to_owned();
    let (version, rest) = match file.strip_prefix(b"\x93NUMPY") {
        Some([version @ 1..=3, _, rest @ ..]) => (*version, rest),
        _ => return Err(not_npy()),
    };
    let (length, rest) = match version {
        1 => {
            rest.split_first_chunk::<2>().map(|(length, rest)| (u32::from(u16::from_le_bytes(*length)), rest))
        }
        _ => rest.split_first_chunk::<4>().map(|(length, rest)| (u32::from_le_bytes(*length), rest)),
    }
    .ok_or_else(not_npy)?;
    let (header, data) = rest.split_at_checked(length as usize).ok_or_else(not_npy)?;
    let header: String = String::from_utf8_lossy(header).chars().filter(|c| !c.is_whitespace()).collect();
    if !(header.contains("'descr':'|u1'") && header.contains("'fortran_order':False")) {
        return Err("the images must be an array of bytes (uint8) in C order".to_owned());
    }
    let shape = shape_of(&header).ok_or("the shape of the images must be [batch, height, width, 3]")?;
    let [n, height, width, _] = shape;
    let size = [height, width, 3].into_iter().try_fold(1_usize, usize::checked_mul);
    let size = size.filter(|size| *size > 0 && size.checked_mul(n) == Some(data.len()));
    let size =
        size.ok_or_else(|| format!("the images have {} bytes, which does not fit their shape", data.len()))?;
    let picture = |rgb: &[u8]| Pixels::new(width as u32, height as u32, rgb.to_vec()).map(Arc::new);
    let pictures = data.chunks_exact(size).map(picture).collect::<Option<_>>().ok_or_else(not_npy)?;
    let range = (data.iter().copied().min().unwrap_or(0), data.iter().copied().max().unwrap_or(0));
    Ok(Images { shape, pictures, range })
}

fn shape_of(header: &str) -> Option<[usize; 4]> {
    let (_, shape) = header.split_once("'shape':(")?;
    let sides: Option<Vec<usize>> = shape
        .split_once(')')?
        .0
        .split(',')
        .map(|side| side.parse().ok().filter(|side| *side <= 1 << 20))
        .collect();
    let shape: [usize; 4] = sides?.try_into().ok()?;
    (shape[3] == 3).then_some(shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        let length = (header.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\x00".as_slice(), &length, header.as_bytes(), data].concat()
    }

    #[test]
    fn arrays_of_bytes_are_images() {
        let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 1, 2, 3), }\n";
        let data: Vec<u8> = (5..17).collect();
        let images = images_of(&file(header, &data)).unwrap();
        assert_eq!((images.shape, images.range), ([2, 1, 2, 3], (5, 16)));
        assert_eq!(images.pictures[1].rgb(), &data[6..]);
        let problem = |header: &str, data: &[u8]| images_of(&file(header, data)).err().unwrap();
        assert!(problem(header, &data[1..]).contains("11 bytes"));
        assert!(problem(&header.replace("|u1", "<f4"), &data).contains("uint8"));
        assert!(problem(&header.replace("2, 3)", "2, 4)"), &data).contains("shape"));
        assert!(problem(&header.replace("(2, 1, 2, 3)", "(0, 0, 0, 3)"), &[]).contains("shape"));
        assert!(images_of(b"\x93NUMPY\x01").is_err() && images_of(b"PK").is_err());
    }
}

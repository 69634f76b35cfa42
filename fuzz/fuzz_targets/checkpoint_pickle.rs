//! The reader of PyTorch files: any pickle, in an archive and in the older format, is read or refused within bounds.
//!
//! Seeds: the `data.pkl` of the files in crates/imgeval-vision/tests/fixtures/checkpoints.
#![no_main]

use std::path::Path;

use imgeval_vision::checkpoint::Checkpoint;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|pickle: &[u8]| {
    check(archive(&[("x/data.pkl", pickle), ("x/data/0", &[7; 64]), ("x/data/1", &[7; 40])]));
    check([b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}.", pickle].concat());
    check(pickle.to_vec());
});

fn check(file: Vec<u8>) {
    let Ok(checkpoint) = Checkpoint::from_bytes(Path::new("fuzz"), file) else { return };
    for (name, info) in checkpoint.tensors() {
        // Integers are listed and not read.
        if let Ok(numbers) = checkpoint.read_f32(name) {
            assert_eq!(numbers.len(), info.shape.iter().product::<usize>());
        }
    }
}

/// A zip archive of stored entries.
fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut directory = Vec::new();
    for (name, content) in entries {
        let lengths = [(content.len() as u32).to_le_bytes(); 2].concat();
        let name_length = (name.len() as u16).to_le_bytes();
        let header = (bytes.len() as u32).to_le_bytes();
        bytes.extend(
            [b"PK\x03\x04", &[0; 14][..], &lengths, &name_length, &[0; 2], name.as_bytes(), content].concat(),
        );
        let entry = [b"PK\x01\x02", &[0; 16][..], &lengths, &name_length, &[0; 12], &header, name.as_bytes()];
        directory.extend(entry.concat());
    }
    let start = (bytes.len() as u32).to_le_bytes();
    let count = [(entries.len() as u16).to_le_bytes(); 2].concat();
    let length = (directory.len() as u32).to_le_bytes();
    bytes.extend(directory);
    bytes.extend([b"PK\x05\x06", &[0; 4][..], &count, &length, &start, &[0; 2]].concat());
    bytes
}

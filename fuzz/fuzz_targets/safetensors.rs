//! The reader of safetensors files, by way of the content check: any bytes are read or refused.
#![no_main]

use std::path::Path;

use imgeval_vision::checkpoint::Checkpoint;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    check(bytes.to_vec());
    // With the length of the header set right, up to the first zero byte, which cannot be in it.
    let header = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    check([&(header as u64).to_le_bytes(), bytes].concat());
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

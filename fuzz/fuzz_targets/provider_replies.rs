//! The reader of replies and the finder of images in them: any bytes are read or refused, and what is read is read again the same.
#![no_main]

use imgeval_clients::{WireError, read_image, read_reply};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    // What compression can add is bounded by a test of its own.
    if body.starts_with(b"\x1f\x8b") || body.starts_with(b"\x78") {
        return;
    }
    let Ok(reply) = read_reply(body) else { return };
    let image = read_image(&reply.json);
    // Strict JSON is read as serde_json reads it, unless it is a list of a stream's events.
    if reply.notes.is_empty()
        && let Ok(strict) = serde_json::from_slice::<serde_json::Value>(body)
    {
        assert_eq!(reply.json, strict);
    }
    // What stands around a reply changes nothing.
    let text = reply.json.to_string();
    for disturbed in [format!("\u{feff}\n: ping\n\n{text}"), format!("{text}\n\ndata: [DONE]\n\n")] {
        match read_reply(disturbed.as_bytes()) {
            Ok(again) => assert_eq!(read_image(&again.json), image),
            // An error of a stream stands one level deeper once it is put together.
            Err(WireError::TooDeep | WireError::TooManyValues) => {}
            Err(error) => panic!("{error}"),
        }
    }
});

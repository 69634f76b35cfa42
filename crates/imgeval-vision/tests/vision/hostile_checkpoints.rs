//! Files that are broken or made to hurt: each is refused in one sentence.

use std::{fs, path::Path};

use imgeval_vision::checkpoint::{Checkpoint, CheckpointError};
use proptest::prelude::*;

/// An archive of stored entries.
pub(super) fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut directory = Vec::new();
    for (name, content) in entries {
        let sizes = [content.len() as u32, content.len() as u32].map(u32::to_le_bytes).concat();
        let name_length = (name.len() as u16).to_le_bytes();
        let header = bytes.len() as u32;
        bytes.extend(
            [b"PK\x03\x04\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0", &sizes[..], &name_length, &[0; 2]].concat(),
        );
        bytes.extend([name.as_bytes(), content].concat());
        directory
            .extend([b"PK\x01\x02\x0a\0\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0", &sizes[..], &name_length].concat());
        directory.extend([&[0; 12][..], &header.to_le_bytes(), name.as_bytes()].concat());
    }
    let start = bytes.len() as u32;
    let count = (entries.len() as u16).to_le_bytes();
    bytes.extend(&directory);
    bytes.extend([b"PK\x05\x06\0\0\0\0", &count[..], &count].concat());
    bytes.extend([&(directory.len() as u32).to_le_bytes()[..], &start.to_le_bytes(), &[0; 2]].concat());
    bytes
}

fn open(bytes: &[u8]) -> Result<Checkpoint, CheckpointError> {
    Checkpoint::from_bytes(Path::new("x.pth"), bytes.to_vec())
}

fn sentence(bytes: &[u8]) -> String {
    let error = open(bytes).unwrap_err();
    assert!(!error.hint().is_empty());
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

/// A state dict of this pickle, with 40 bytes of storage `0`.
fn pickled(pickle: &[u8]) -> Vec<u8> {
    zip(&[("x/data.pkl", pickle), ("x/data/0", &[0; 40])])
}

/// `{"w": tensor}` of floats over storage `0` of `elements`; numbers below 128.
fn tensor(elements: u8, offset: u8, shape: &[u8], strides: &[u8]) -> Vec<u8> {
    let tuple = |numbers: &[u8]| {
        let items: Vec<u8> = numbers.iter().flat_map(|number| [b'K', *number]).collect();
        [b"(", &items[..], b"t"].concat()
    };
    [
        &b"\x80\x02}X\x01\0\0\0wctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK"[..],
        &[elements],
        b"tQK",
        &[offset],
        &tuple(shape),
        &tuple(strides),
        b"\x89)tRs.",
    ]
    .concat()
}

#[test]
fn the_makers_of_these_tests_make_valid_files() {
    let checkpoint = open(&pickled(&tensor(10, 0, &[2, 5], &[5, 1]))).unwrap();
    assert_eq!(checkpoint.read_f32("w").unwrap(), [0.0; 10]);
}

#[test]
fn names_of_code_refuse_the_file_and_are_told() {
    let check = |pickle: &[u8], global: &str| {
        let expected =
            format!("weights `x.pth` request `{global}`, which no weights need; nothing was executed");
        assert_eq!(sentence(&pickled(pickle)), expected);
        let legacy = [b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02K\x01.\x80\x02}.", pickle].concat();
        assert_eq!(sentence(&legacy), expected);
    };
    check(b"\x80\x02cos\nsystem\nX\x04\0\0\0true\x85R.", "os.system");
    check(b"\x80\x02cposix\nsystem\nX\x04\0\0\0true\x85R.", "posix.system");
    check(b"\x80\x02cbuiltins\neval\nX\x01\0\0\x001\x85R.", "builtins.eval");
    check(b"\x80\x04\x8c\x0asubprocess\x8c\x05Popen\x93.", "subprocess.Popen");
    check(b"\x80\x04\x8c\x05numpy\x8c\x04load\x93.", "numpy.load");
    // Hidden behind harmless names: attributes of modules, functions given to tensors, states.
    check(b"\x80\x02cbuiltins\ngetattr\nctorch\nSize\nX\x01\0\0\0a\x86R.", "builtins.getattr");
    check(b"\x80\x02cmmcv\nA\n)\x81}X\x01\0\0\0acos\nsystem\nsb.", "os.system");
    check(b"\x80\x02ctorch._tensor\n_rebuild_from_type_v2\n(cos\nsystem\nNNNtR.", "os.system");
    check(b"\x80\x02c__torch__\nA\n)\x81}X\x01\0\0\0acos\nsystem\nsb.", "os.system");
    check(b"\x80\x04\x8c\x04a\nb\x1b\x8c\x01c\x93.", "a\\nb\\u{1b}.c");
}

#[test]
fn views_outside_their_storage_are_refused() {
    let check = |pickle: Vec<u8>, problem: &str| {
        assert_eq!(sentence(&pickled(&pickle)), format!("tensor `w` in `x.pth` {problem}"));
    };
    check(tensor(10, 1, &[2, 5], &[5, 1]), "reaches beyond its storage of 10 numbers");
    check(tensor(10, 0, &[2, 5], &[9, 1]), "reaches beyond its storage of 10 numbers");
    check(tensor(10, 0, &[127; 4], &[0; 4]), "repeats its storage of 10 numbers to 260144641");
    check(tensor(10, 0, &[127; 12], &[0; 12]), "has a shape that does not fit in memory");
    check(tensor(10, 0, &[1; 20], &[1; 20]), "has 20 dimensions, more than 16");
    check(tensor(11, 0, &[2], &[1]), "needs 44 bytes of storage `0`, which has 40");
    let missing = zip(&[("x/data.pkl", &tensor(10, 0, &[2], &[1]))]);
    assert_eq!(sentence(&missing), "tensor `w` in `x.pth` is in storage `0`, which is missing");
}

#[test]
fn pickles_that_make_no_sense_are_refused() {
    let check = |pickle: &[u8], cause: &str| {
        assert_eq!(sentence(&pickled(pickle)), format!("weights `x.pth` have an unusable pickle: {cause}"));
    };
    check(b"\x80\x02i", "instruction 0x69 at byte 2 has no place in weights");
    check(b"\x80\x02\x82\x01.", "instruction 0x82 at byte 2 has no place in weights");
    check(b"\x80\x09.", "the instruction at byte 0 asks for an unknown protocol");
    check(b".", "the instruction at byte 0 takes from an empty stack");
    check(b"N(0.", "the instruction at byte 2 takes from an empty stack");
    check(b"}(Nu.", "the instruction at byte 3 has a key without a value");
    check(b"]NNs.", "the instruction at byte 3 sets items of something that is not a dictionary");
    check(b"h\x07.", "the instruction at byte 0 recalls what was never stored");
    check(b"K\x01)R.", "the instruction at byte 3 calls something that is not a function");
    check(b"NQ.", "the instruction at byte 1 refers to something that is not a storage");
    for pickle in [&b""[..], b"}", b"X\xff\xff\xff\x7fa", b"cos", b"\x8d\xff\xff\xff\xff\xff\xff\xff\xffa"] {
        assert_eq!(sentence(&pickled(pickle)), "weights `x.pth` are cut off: the pickle has no end");
    }
    assert_eq!(
        sentence(&pickled(b"}.")),
        "`x.pth` contains no tensors where weights are expected: it is an empty dictionary"
    );
}

/// Doubling lists, endless instructions, circles: bounded in time and memory.
#[test]
fn bombs_are_defused() {
    let check = |pickle: &[u8]| {
        let cause = sentence(&pickled(pickle));
        assert_eq!(cause, "weights `x.pth` have an unusable pickle: it is too large");
    };
    check(&[&vec![b'N'; 17 << 20][..], b"."].concat());
    check(&[&vec![b']'; 5 << 20][..], b"."].concat());
    // Copies a list of 100,000 pairs a thousand times.
    let pairs = [&b"]q\x00(("[..], b"NNtq\x01", &b"h\x01".repeat(100_000), b"e0"].concat();
    let copies = b"ccollections\nOrderedDict\nh\x00\x85R0".repeat(1_000);
    check(&[&pairs[..], &copies, b"."].concat());
    // A module that contains itself.
    check(b"c__torch__\nA\n)\x81q\x00}(X\x01\0\0\0ah\x00X\x01\0\0\0bh\x00ub.");
    // A list in itself is harmless.
    assert_eq!(
        sentence(&pickled(b"]q\x00h\x00a.")),
        "`x.pth` contains no tensors where weights are expected: it is a list and not a dictionary of tensors"
    );
    // So is a dictionary in itself, under every name that is looked at.
    assert_eq!(
        sentence(&pickled(b"}q\x00(X\x05\0\0\0modelh\x00X\x03\0\0\0emah\x00u.")),
        "`x.pth` contains no tensors where weights are expected: its keys are `model`, `ema`"
    );
}

#[test]
fn damaged_archives_are_refused() {
    let archive = |cause: &str| format!("weights `x.pth` are a damaged archive: {cause}");
    let whole = pickled(&tensor(10, 0, &[2], &[1]));
    let cut = "weights `x.pth` are cut off: the archive's directory, at its end, is missing";
    for length in [4, 100, whole.len() - 1] {
        assert_eq!(sentence(&whole[..length]), cut);
    }
    assert_eq!(
        sentence(&zip(&[("word/document.xml", b"x")])),
        "`x.pth` contains neither safetensors nor PyTorch weights"
    );
    assert_eq!(
        sentence(&zip(&[("data.pkl", b"x"), ("data.pkl", b"y")])),
        archive("its directory has two entries `data.pkl`")
    );
    let directory = whole.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    let with = |offset: usize, value: &[u8]| {
        let mut bytes = whole.clone();
        bytes[directory + offset..][..value.len()].copy_from_slice(value);
        sentence(&bytes)
    };
    assert_eq!(with(10, &[8]), archive("entry `x/data.pkl` is compressed"));
    assert_eq!(with(8, &[1]), archive("entry `x/data.pkl` is compressed"));
    assert_eq!(
        with(20, &[255, 255, 255, 0, 255, 255, 255, 0]),
        archive("entry `x/data.pkl` reaches beyond the end of the file")
    );
    assert_eq!(with(42, &[1]), archive("entry `x/data.pkl` reaches beyond the end of the file"));
    assert_eq!(
        with(42, &[255; 4]),
        archive(&format!("its directory has an invalid entry at byte {directory}"))
    );
    assert_eq!(with(28, &[255]), archive(&format!("its directory has an invalid entry at byte {directory}")));
}

#[test]
fn safetensors_that_lie_are_refused() {
    let file = |header: &str, data: usize| {
        [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &vec![0; data]].concat()
    };
    let tensor = |shape: &str, end: usize| {
        format!(r#"{{"w":{{"dtype":"F32","shape":{shape},"data_offsets":[0,{end}]}}}}"#)
    };
    assert!(open(&file(&tensor("[2]", 8), 8)).is_ok());
    let starts = |bytes: &[u8], start: &str| {
        let sentence = sentence(bytes);
        assert!(sentence.starts_with(start), "{sentence}");
    };
    starts(&file(&tensor("[2]", 8), 7), "weights `x.pth` are cut off: ");
    starts(&file(&tensor("[3]", 8), 8), "weights `x.pth` have an unusable header: ");
    starts(
        &file(&tensor("[4294967296,4294967296,4294967296]", 8), 8),
        "weights `x.pth` have an unusable header: ",
    );
    starts(&file(r#"{"w":1}"#, 0), "weights `x.pth` have an unusable header: ");
    starts(&file("{}", 0), "`x.pth` contains no tensors");
    starts(
        &[&(1_u64 << 20).to_le_bytes()[..], b"{"].concat(),
        "weights `x.pth` are cut off: 9 bytes, the header alone has",
    );
    starts(
        &[&u64::MAX.to_le_bytes()[..], b"{"].concat(),
        "`x.pth` contains neither safetensors nor PyTorch weights",
    );
}

#[test]
fn files_that_are_something_else_say_what() {
    let lfs = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n";
    assert_eq!(sentence(lfs), "`x.pth` is a Git LFS pointer, not the weights it refers to");
    let page = b"\n<!DOCTYPE html>\n<html><title>404</title>";
    assert_eq!(sentence(page), "`x.pth` is a text that starts with `<!DOCTYPE html>`, not weights");
    assert_eq!(sentence(b""), "weights `x.pth` are empty");
    assert_eq!(sentence(b"PK"), "`x.pth` is a text that starts with `PK`, not weights");
    assert_eq!(sentence(b"\x80\x02\x8a"), "weights `x.pth` are cut off: 3 bytes");
    let mut tar = vec![0; 512];
    tar[257..262].copy_from_slice(b"ustar");
    assert_eq!(sentence(&tar), "`x.pth` has the tar format of PyTorch before 0.4, which is not supported");
    assert_eq!(sentence(b"\x80\x02}."), "`x.pth` is a Python pickle that was not written by torch.save");
    assert_eq!(sentence(&[0; 64]), "`x.pth` contains neither safetensors nor PyTorch weights");
    assert_eq!(
        sentence(&zip(&[("x/data.pkl", b"}."), ("x/byteorder", b"big")])),
        "weights `x.pth` come from a big-endian machine"
    );
}

#[test]
fn folders_are_searched_without_leaving_them() {
    let folder = tempfile::tempdir().unwrap();
    let sentence = || {
        let error = Checkpoint::open(folder.path()).unwrap_err().to_string();
        error.replace(&folder.path().display().to_string(), "F")
    };
    assert_eq!(sentence(), "folder `F` contains no weights under a usual name");
    let variant = folder.path().join("model.fp16.safetensors");
    fs::write(&variant, "x").unwrap();
    assert_eq!(
        sentence(),
        "folder `F` contains no weights under a usual name; it has `model.fp16.safetensors`"
    );
    fs::remove_file(&variant).unwrap();
    let index = folder.path().join("pytorch_model.bin.index.json");
    let write = |text: &str| fs::write(&index, text).unwrap();
    write("{");
    assert!(sentence().starts_with("index `F/pytorch_model.bin.index.json` of the weights is unusable: EOF"));
    for outside in ["../x.bin", "/etc/passwd", "a/b", "..", "", "c:x"] {
        write(&format!(r#"{{"weight_map": {{"w": "{outside}"}}}}"#));
        assert!(
            sentence().ends_with(&format!("is unusable: it names the file `{outside}`")),
            "{}",
            sentence()
        );
    }
    write(r#"{"weight_map": {}}"#);
    assert!(sentence().ends_with("is unusable: it names 0 files"));
    write(r#"{"weight_map": {"w": "a.bin", "v": "b.bin"}}"#);
    assert_eq!(sentence(), "could not read weights `F/a.bin`");
    let part = pickled(&tensor(10, 0, &[2], &[1]));
    fs::write(folder.path().join("a.bin"), &part).unwrap();
    fs::write(folder.path().join("b.bin"), &part).unwrap();
    assert!(sentence().ends_with("is unusable: tensor `v` is not in `b.bin`, where it should be"));
    write(r#"{"weight_map": {"w": "b.bin", "v": "a.bin"}}"#);
    assert!(sentence().ends_with("is unusable: tensor `v` is not in `a.bin`, where it should be"));
    assert!(matches!(Checkpoint::open(Path::new("/dev/null")), Err(CheckpointError::Special { .. })));
}

proptest! {
    /// Every prefix and every damaged byte of a good file is read or refused, never worse.
    #[test]
    fn damage_never_panics(name in 0_usize..4, cut in any::<bool>(), place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let name = ["trainer.pth", "legacy.pth", "script.pt", "weights.safetensors"][name];
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/checkpoints").join(name);
        let mut bytes = fs::read(path).unwrap();
        let place = place.index(bytes.len());
        if cut {
            bytes.truncate(place);
        } else {
            bytes[place] = byte;
        }
        if let Ok(checkpoint) = open(&bytes) {
            for (name, info) in checkpoint.tensors() {
                if let Ok(numbers) = checkpoint.read_f32(name) {
                    prop_assert_eq!(numbers.len(), info.shape.iter().product::<usize>());
                }
            }
        }
    }
}

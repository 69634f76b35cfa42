//! Checkpoints as training frameworks save them: nests, prefixes, devices, both formats of PyTorch and every protocol.

use std::{fs, path::Path};

use imgeval_vision::checkpoint::{Checkpoint, CheckpointError};

use crate::hostile_checkpoints::zip;

/// The network of these tests: its tensors, of one number each that tells which is which.
const NETWORK: [(&str, f32); 3] = [("stem.weight", 1.0), ("blocks.0.bias", 2.0), ("head.weight", 3.0)];

/// Writes the instructions that Python's own pickler writes in a protocol.
struct Pickler {
    protocol: u8,
    device: &'static str,
    body: Vec<u8>,
    /// The storages' numbers; their keys count up.
    storages: Vec<f32>,
}

impl Pickler {
    fn new(protocol: u8, device: &'static str) -> Self {
        Self { protocol, device, body: Vec::new(), storages: Vec::new() }
    }

    fn put(&mut self, bytes: &[u8]) {
        self.body.extend(bytes);
    }

    fn text(&mut self, text: &str) {
        if self.protocol < 4 {
            self.put(b"X");
            self.put(&(text.len() as u32).to_le_bytes());
            self.put(text.as_bytes());
        } else {
            self.put(&[0x8c, text.len() as u8]);
            self.put(text.as_bytes());
            self.put(&[0x94]);
        }
    }

    fn global(&mut self, module: &str, name: &str) {
        if self.protocol < 4 {
            self.put(format!("c{module}\n{name}\n").as_bytes());
        } else {
            self.text(module);
            self.text(name);
            self.put(&[0x93, 0x94]);
        }
    }

    fn tensor(&mut self, number: f32) {
        let key = self.storages.len().to_string();
        self.storages.push(number);
        self.global("torch._utils", "_rebuild_tensor_v2");
        self.put(b"((");
        self.text("storage");
        self.global("torch", "FloatStorage");
        self.text(&key);
        self.text(self.device);
        self.put(b"K\x01tQK\x00K\x01\x85K\x01\x85\x89");
        self.global("collections", "OrderedDict");
        self.put(b")RtR");
    }

    /// A dictionary of tensors.
    fn state_dict(&mut self, tensors: &[(String, f32)]) {
        self.put(b"}(");
        for (name, number) in tensors {
            self.text(name);
            self.tensor(*number);
        }
        self.put(b"u");
    }

    /// What `content` writes, below these keys from the outside to the inside, beside an epoch.
    fn nested(&mut self, keys: &[&str], content: &dyn Fn(&mut Self)) {
        let Some((key, inner)) = keys.split_first() else { return content(self) };
        self.put(b"}(");
        self.text("epoch");
        self.put(b"K\x07");
        self.text(key);
        self.nested(inner, content);
        self.put(b"u");
    }

    fn pickle(protocol: u8, body: &[u8]) -> Vec<u8> {
        let body = [body, b"."].concat();
        let frame = if protocol < 4 {
            Vec::new()
        } else {
            [&[0x95][..], &(body.len() as u64).to_le_bytes()].concat()
        };
        [&[0x80, protocol][..], &frame, &body].concat()
    }

    fn zip_file(&self) -> Vec<u8> {
        let pickle = Self::pickle(self.protocol, &self.body);
        let numbers: Vec<(String, [u8; 4])> = self
            .storages
            .iter()
            .enumerate()
            .map(|(key, number)| (format!("w/data/{key}"), number.to_le_bytes()))
            .collect();
        let storages = numbers.iter().map(|(name, bytes)| (name.as_str(), &bytes[..]));
        let entries: Vec<(&str, &[u8])> =
            [("w/data.pkl", &pickle[..]), ("w/byteorder", b"little")].into_iter().chain(storages).collect();
        zip(&entries)
    }

    fn plain_file(&self) -> Vec<u8> {
        let pickle = |body: &[u8]| Self::pickle(self.protocol, body);
        let mut keys = Self::new(self.protocol, self.device);
        keys.put(b"](");
        for key in 0..self.storages.len() {
            keys.text(&key.to_string());
        }
        keys.put(b"e");
        let mut machine = Self::new(self.protocol, self.device);
        machine.put(b"}");
        machine.text("little_endian");
        machine.put(b"\x88s");
        let storages = self
            .storages
            .iter()
            .flat_map(|number| [&1_u64.to_le_bytes()[..], &number.to_le_bytes()].concat());
        [
            pickle(b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"),
            pickle(b"M\xe9\x03"),
            pickle(&machine.body),
            pickle(&self.body),
            pickle(&keys.body),
            storages.collect(),
        ]
        .concat()
    }
}

fn network(prefix: &str) -> Vec<(String, f32)> {
    NETWORK.iter().map(|(name, number)| (format!("{prefix}{name}"), *number)).collect()
}

fn open(bytes: Vec<u8>) -> Result<Checkpoint, CheckpointError> {
    Checkpoint::from_bytes(Path::new("w.pt"), bytes)?.unwrapped(&["stem.weight"])
}

fn check(bytes: Vec<u8>, case: &str) {
    let checkpoint = open(bytes).unwrap_or_else(|error| panic!("{case}: {error}"));
    let mut names: Vec<&str> = NETWORK.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    assert_eq!(checkpoint.tensors().map(|(name, _)| name).collect::<Vec<_>>(), names, "{case}");
    for (name, number) in NETWORK {
        assert_eq!(checkpoint.read_f32(name).unwrap(), [number], "{case} {name}");
    }
}

const NESTS: [&[&str]; 10] = [
    &[],
    &["state_dict"],
    &["model"],
    &["module"],
    &["ema"],
    &["model_ema"],
    &["params_ema"],
    &["model_state_dict"],
    &["ema", "module"],
    &["model", "state_dict"],
];

const PREFIXES: [&str; 7] =
    ["", "module.", "_orig_mod.", "model.", "module._orig_mod.", "_orig_mod.module.", "model.module."];

#[test]
fn every_nest_prefix_protocol_and_format_reads_alike() {
    for protocol in 2..=5 {
        for device in ["cpu", "cuda:0", "mps:0"] {
            for nest in NESTS {
                for prefix in PREFIXES {
                    let case = format!("protocol {protocol}, {device}, {nest:?}, {prefix}");
                    let mut pickler = Pickler::new(protocol, device);
                    pickler.nested(nest, &|pickler| pickler.state_dict(&network(prefix)));
                    check(pickler.zip_file(), &case);
                    check(pickler.plain_file(), &format!("{case}, plain format"));
                }
            }
        }
    }
}

#[test]
fn trained_weights_come_before_their_average_and_a_lone_number_hides_nothing() {
    let zeros: Vec<(String, f32)> = network("").into_iter().map(|(name, _)| (name, 0.0)).collect();
    for other in ["ema", "model_ema", "params_ema", "state_dict_ema"] {
        let mut pickler = Pickler::new(2, "cpu");
        pickler.put(b"}(");
        pickler.text(other);
        pickler.state_dict(&zeros);
        pickler.text("state_dict");
        pickler.state_dict(&network("module."));
        pickler.text("rng_state");
        pickler.tensor(9.0);
        pickler.put(b"u");
        check(pickler.zip_file(), other);
    }
    // The trained weights may also lie beside the average's key, or have names beside the average's names.
    let mut pickler = Pickler::new(2, "cpu");
    pickler.put(b"}(");
    pickler.text("ema");
    pickler.state_dict(&zeros);
    for (name, number) in network("") {
        pickler.text(&name);
        pickler.tensor(number);
    }
    pickler.put(b"u");
    check(pickler.zip_file(), "an average in the state dict");
    let mut both = network("model.");
    both.extend(zeros.iter().map(|(name, number)| (format!("model_ema.{name}"), *number)));
    both.push(("model_ema.decay".to_owned(), 9.0));
    let mut pickler = Pickler::new(2, "cpu");
    pickler.nested(&["state_dict"], &|pickler| pickler.state_dict(&both));
    check(pickler.zip_file(), "an average by name");

    let mut pickler = Pickler::new(4, "cpu");
    pickler.put(b"}(");
    pickler.text("model");
    pickler.state_dict(&[("temperature".to_owned(), 9.0)]);
    pickler.text("ema");
    pickler.state_dict(&network(""));
    pickler.put(b"u");
    check(pickler.zip_file(), "a lone number");
}

#[test]
fn a_file_without_the_weights_says_what_it_holds() {
    let sentence = |bytes: Vec<u8>| open(bytes).unwrap_err().to_string();
    let mut pickler = Pickler::new(3, "cpu");
    pickler.nested(&["optimizer"], &|pickler| pickler.state_dict(&network("")));
    let expected = "`w.pt` contains no tensors where weights are expected: its keys are `epoch`, `optimizer`";
    assert_eq!(sentence(pickler.zip_file()), expected);
    assert_eq!(sentence(pickler.plain_file()), expected);

    let mut both = network("model.");
    both.extend(network("module."));
    let mut pickler = Pickler::new(2, "cpu");
    pickler.state_dict(&both);
    assert_eq!(
        sentence(pickler.zip_file()),
        "`w.pt` contains the network more than once, under names that start with `model.` and with `module.`"
    );

    let mut same = network("module.");
    same.push(("head.weight".to_owned(), 9.0));
    let mut pickler = Pickler::new(2, "cpu");
    pickler.state_dict(&same);
    assert_eq!(
        sentence(pickler.zip_file()),
        "`w.pt` contains two tensors `head.weight` after the prefixes of wrappers are removed"
    );
}

#[test]
fn the_index_decides_which_shard_holds_a_tensor() {
    let folder = tempfile::tempdir().unwrap();
    let shard = |name: &str, tensors: &[(&str, f32)]| {
        let mut pickler = Pickler::new(2, "cuda:1");
        let tensors: Vec<_> = tensors.iter().map(|(name, number)| ((*name).to_owned(), *number)).collect();
        pickler.state_dict(&tensors);
        fs::write(folder.path().join(name), pickler.zip_file()).unwrap();
    };
    // A stale copy in the other shard, and a tensor that the index does not know.
    shard("a.bin", &[("module.stem.weight", 1.0), ("module.head.weight", 9.0)]);
    shard(
        "b.bin",
        &[
            ("module.stem.weight", 9.0),
            ("module.blocks.0.bias", 2.0),
            ("module.head.weight", 3.0),
            ("old", 9.0),
        ],
    );
    let index = r#"{"metadata": {}, "weight_map": {"module.stem.weight": "a.bin",
        "module.blocks.0.bias": "b.bin", "module.head.weight": "b.bin"}}"#;
    // Some editors begin a file with a byte order mark.
    fs::write(folder.path().join("pytorch_model.bin.index.json"), format!("\u{feff}{index}")).unwrap();
    let checkpoint = Checkpoint::open(folder.path()).unwrap().unwrapped(&["stem.weight"]).unwrap();
    let numbers: Vec<f32> = NETWORK.iter().map(|(name, _)| checkpoint.read_f32(name).unwrap()[0]).collect();
    assert_eq!(numbers, [1.0, 2.0, 3.0]);
    assert_eq!(checkpoint.tensors().count(), 3);
}

#[test]
fn configurations_beside_the_weights_are_passed_over() {
    for (module, name) in [
        ("argparse", "Namespace"),
        ("types", "SimpleNamespace"),
        ("omegaconf.dictconfig", "DictConfig"),
        ("pytorch_lightning.utilities.parsing", "AttributeDict"),
        ("uuid", "UUID"),
        ("decimal", "Decimal"),
        ("torch.torch_version", "TorchVersion"),
    ] {
        let mut pickler = Pickler::new(4, "cpu");
        pickler.put(b"}(");
        pickler.text("config");
        pickler.global(module, name);
        pickler.put(b")\x81}");
        pickler.text("lr");
        pickler.put(b"K\x01sb");
        pickler.text("state_dict");
        pickler.state_dict(&network(""));
        pickler.put(b"u");
        check(pickler.zip_file(), name);
    }
}

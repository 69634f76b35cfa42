//! The readers of judges' replies, of protocol files and of judges' scripts: any text is read or refused.
#![no_main]

use imgeval_suites::{
    judged::{JudgeProtocol, ReplyFormat, Template},
    wise::{Edition, read_protocol},
    wording::{Compose, Place, WordingFiles},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for format in ReplyFormat::all() {
        let Ok(scores) = format.parse(text) else { continue };
        assert!((0.0..=1.0).contains(&scores.value));
        for ((_, value), (_, most)) in scores.values.iter().zip(format.scale()) {
            assert!((0.0..=*most).contains(value));
        }
        // What a strict reader takes, the official one takes without a note.
        let official =
            ReplyFormat::all().into_iter().find(|of| of.strict() == Some(format)).unwrap_or(format);
        assert_eq!(official.parse(text).as_ref(), Ok(&scores));
    }
    if let Ok(protocol) = JudgeProtocol::from_toml(text) {
        let read = JudgeProtocol::from_toml(&protocol.to_toml().unwrap());
        assert_eq!(read.unwrap(), protocol);
    }
    if let Ok(template) = Template::parse(text) {
        assert_eq!(Template::parse(&template.render_source()).as_ref(), Ok(&template));
    }
    read_protocol(Edition::Legacy, text).ok();
    let mut files = WordingFiles::default();
    let added =
        [files.add_python("python", text), files.add_json("json", text), files.add_yaml("yaml", text)];
    for (name, _) in ["python", "json", "yaml"].iter().zip(added).filter(|(_, added)| added.is_ok()) {
        Compose::Of(name, Place::named("text")).template(&files, &Default::default()).ok();
    }
});

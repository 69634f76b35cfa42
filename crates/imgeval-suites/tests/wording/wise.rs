//! WISE's protocols: the same, byte for byte, as before the wording was found by name.

use std::collections::BTreeMap;

use imgeval_suites::{
    judged::{Field, JudgeProtocol, MessagePart},
    wise::{Edition, read_protocol},
};

use super::{expected, fixture};

fn error_of(script: &str) -> String {
    read_protocol(Edition::Legacy, script).unwrap_err().to_string()
}

#[test]
fn protocols_keep_their_hashes() {
    let legacy = fixture("wise_legacy.py").replace('\n', "\r\n");
    for (script, hashes) in [
        (
            legacy,
            [
                "b8d49e669a4ebbfde74c86535c1b8a0ea10cd8f01192f6271afb28426b8459be",
                "a905463d5b56d7b312c91c1deae68bfe1f40af4ceb648d005bd8a6b3a15f6602",
            ],
        ),
        (
            fixture("wise_verified.py"),
            [
                "bdad382a07c625a05d796ad1f805bf2fcdef50606c6d3f6efe256feaf9bcdf7a",
                "5f0de75a8518bba5b491ae7f87e696d7e6c6ea55929fd2f0b27175ca347c8d2f",
            ],
        ),
        (
            fixture("other_function.py"),
            [
                "880bc29df5c74edd47cddacab2c910cdfe154410c2c98df7c2507d33a6f306fa",
                "ff8022a4620a2f17e5e76bb7fc4d5583efde1e14176702399d87949998bce58f",
            ],
        ),
    ] {
        for (edition, hash) in Edition::ALL.into_iter().zip(hashes) {
            let protocol = read_protocol(edition, &script).unwrap();
            assert_eq!(protocol.hash().as_str(), hash, "{edition:?}");
            let read = JudgeProtocol::from_toml(&protocol.to_toml().unwrap()).unwrap();
            assert_eq!((read.hash(), &read), (protocol.hash(), &protocol));
        }
    }
    assert_eq!(
        JudgeProtocol::reason_edit().hash().as_str(),
        "16a9067b69af958b31196f5e4e06ad0d5b94936c3f9ee6e46c4849c68fea24f7"
    );
}

/// The benchmark's own scripts, where somebody has put them, under the hashes that they had before.
#[test]
fn official_scripts_make_the_protocols_that_they_made_before() {
    let Some(script) = std::env::var_os("IMGEVAL_WISE_SCRIPT") else { return };
    let script = std::fs::read_to_string(script).unwrap();
    for edition in Edition::ALL {
        let protocol = read_protocol(edition, &script).unwrap();
        if let Some(hash) = std::env::var_os(format!("IMGEVAL_{}", edition.name())) {
            assert_eq!(protocol.hash().as_str(), hash.to_str().unwrap());
        }
    }
}

#[test]
fn what_is_sent_is_what_the_script_sends() {
    let expected = expected();
    let text = |name: &str| expected["case"][name].as_str().unwrap();
    let values = BTreeMap::from([(Field::Prompt, text("prompt")), (Field::Explanation, text("explanation"))]);
    for (edition, name) in [(Edition::Legacy, "wise_legacy"), (Edition::Verified, "wise_verified")] {
        let protocol = read_protocol(edition, &fixture(&format!("{name}.py"))).unwrap();
        let [MessagePart::Text(template), MessagePart::Image(_)] = protocol.message.as_slice() else {
            panic!("{:?}", protocol.message)
        };
        assert_eq!(protocol.bind_system(&values).unwrap().unwrap(), expected[name][0]);
        assert_eq!(template.bind(&values).unwrap(), expected[name][1]);
    }
}

#[test]
fn a_script_that_asks_otherwise_is_refused() {
    let script = fixture("wise_legacy.py");
    let check = |from: &str, to: &str, expected: &str| {
        assert!(script.contains(from), "{from}");
        let error = error_of(&script.replace(from, to));
        assert!(error.contains(expected), "{error}");
        assert_eq!(error.lines().count(), 1);
    };
    check("['Explanation']", "['Prompt']", "do not name {explanation}");
    check("['Explanation']", "['Hint']", "the placeholder `{prompt_data['Hint']}` in line 40");
    check("['Explanation']", "['Explanation']!r", "a conversion");
    check("\"image_url\",", "\"image\",", "a part of type `image` in line");
    check("data:image/png;base64,", "https://", "an image that is not a data URL");
    check("f\"data:image/png;base64,{image_base64}\"", "image_base64", "a parameter of the same name");
    check("\"role\": \"user\"", "\"role\": \"assistant\"", "one more message of role `assistant`");
    check("\"role\": \"user\"", "\"role\": who", "a role that is not constant");
    check("        \"content\": [", "        \"words\": [", "no `content`");
    check("    return [\n", "    return [{}] + [\n", "a sum");
    check("    return [\n", "    if prompt_data:\n        return []\n    return [\n", "different values");
    check("def build_evaluation_messages(", "def build_evaluation_messages((", "an unclosed bracket");
    assert!(error_of("x = 1\n").contains("there is no `build_evaluation_messages`"));
    let one = "def NAME(r, i):\n    return [{'role': 'user', 'content': 'x'}]\n";
    let error = error_of(&(one.replace("NAME", "a") + &one.replace("NAME", "b")));
    assert!(error.contains("several functions that return messages: a, b"), "{error}");
    assert!(error_of(one).contains("must show one image, not 0"));
}

#[test]
fn constants_by_other_names_are_followed() {
    let script = fixture("wise_verified.py");
    let named = script
        .replace("    return [\n", "    messages = [\n")
        .replace("    ]\n\n\ndef ask", "    ]\n    return messages\n\n\ndef ask")
        .replace("\"You are a lighthouse keeper", "ROLE + \"You are a lighthouse keeper");
    let error = read_protocol(Edition::Verified, &named).unwrap_err().to_string();
    assert!(error.contains("a sum"), "{error}");
    let named = named.replace("ROLE + ", "");
    assert_eq!(
        read_protocol(Edition::Verified, &named).unwrap(),
        read_protocol(Edition::Verified, &script).unwrap()
    );
    let changed = named.replace("    return messages", "    messages.append(1)\n    return messages");
    let error = read_protocol(Edition::Verified, &changed).unwrap_err().to_string();
    assert!(error.contains("a value that is changed in line"), "{error}");
}

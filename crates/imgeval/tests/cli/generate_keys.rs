//! Keys are never shown and never stored, whatever servers and scripts do with them.

use std::{
    fs,
    io::Read as _,
    path::Path,
    process::{Command, Output},
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use flate2::read::ZlibDecoder;
use serde_json::json;

use super::{
    provider::{Bench, KEY, Provider, Report, files, image, image_reply, png},
    support::{check_exit, stderr, text},
};
use crate::fault_server::{Action, Reply};

/// The replies' texts as a run keeps them.
pub(crate) fn raw_texts(run: &Path, table: &str) -> Vec<String> {
    let database = rusqlite::Connection::open(run.join("run.db")).unwrap();
    let mut statement = database.prepare(&format!("SELECT raw FROM {table}")).unwrap();
    let rows = statement.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
    let inflate = |compressed: Vec<u8>| {
        let mut text = String::new();
        ZlibDecoder::new(compressed.as_slice()).read_to_string(&mut text).unwrap();
        text
    };
    rows.map(|row| inflate(row.unwrap())).collect()
}

fn contains(bytes: &[u8], needle: &str) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
}

/// Asserts that none of the forms of the key is in what was said or anywhere in the run.
fn check_nowhere(run: &Path, key: &str, outputs: &[&Output]) {
    let escaped = key.replace('/', "\\/");
    let percent = key.replace('/', "%2F").replace('+', "%2B");
    let encoded = [STANDARD_NO_PAD.encode(key), URL_SAFE_NO_PAD.encode(key)];
    let needles = [key, &escaped, &percent, &encoded[0], &encoded[1]];
    let mut places: Vec<(String, Vec<u8>)> = Vec::new();
    for path in files(run) {
        places.push((path.display().to_string(), fs::read(&path).unwrap()));
    }
    assert!(places.len() > 1, "there is a run to look at");
    for table in ["attempts", "rewrites"] {
        let texts = raw_texts(run, table).into_iter();
        places.extend(texts.map(|text| (format!("a reply in {table}"), text.into_bytes())));
    }
    for output in outputs {
        places.push(("stdout".to_owned(), output.stdout.clone()));
        places.push(("stderr".to_owned(), output.stderr.clone()));
    }
    for (place, bytes) in places {
        for needle in needles {
            assert!(!contains(&bytes, needle), "{needle} in {place}: {}", String::from_utf8_lossy(&bytes));
        }
    }
}

/// Everything that a server can do to spread a key.
fn spreading_script(key: &str) -> Vec<Action> {
    let error = |status, message: String| {
        Reply::json(status, &json!({"error": {"message": message, "code": format!("code {key}")}}))
    };
    let mut with_words = json!({"created": 1, "data": [{
        "revised_prompt": format!("a cat called {key}"),
        "b64_json": base64::engine::general_purpose::STANDARD.encode(png(24, 16, 1)),
    }]});
    with_words[key] = json!([{"authorization": format!("Bearer {key}")}]);
    let percent = key.replace('/', "%2F").replace('+', "%2B");
    let basic = STANDARD_NO_PAD.encode(format!("user:{key}"));
    [
        Reply::json(200, &with_words).header("x-echo", key).header("set-cookie", key),
        error(400, format!("wrong: Authorization: Bearer {key}")).header("x-request-id", key),
        error(500, format!("in base64 {}", STANDARD_NO_PAD.encode(key))),
        Reply::new(502, "text/html", format!("<html>{key} {}</html>", key.replace('/', "\\/"))),
        Reply::new(200, &format!("text/{key}"), format!("key={percent}")),
        Reply::new(302, "text/plain", key).header("location", &format!("https://{percent}.example/{key}")),
        Reply::json(200, &json!({"data": [], "note": basic, "again": key})),
        Reply::json(200, &json!({"data": [{"b64_json": key}]})),
        Reply::json(200, &json!({"data": [{"url": format!("file:///{key}")}]})),
        error(401, format!("Incorrect API key provided: {key}")),
    ]
    .map(Action::Reply)
    .to_vec()
}

fn debug_run(command: &mut Command) -> Output {
    let output = command.env("IMGEVAL_LOG", "debug").output().unwrap();
    assert!(
        stderr(&output).contains("path=\"/images/generations\""),
        "it tells requests: {}",
        stderr(&output)
    );
    output
}

fn check_spreading(bench: &Bench, command: &mut Command, key: &str) {
    let output = debug_run(command);
    check_exit(&output, 1);
    let requests = bench.provider.requests();
    assert_eq!(requests.len(), 10);
    assert!(requests.iter().all(|request| {
        request.headers.iter().any(|(_, value)| value.strip_prefix("Bearer ").unwrap_or(value) == key)
    }));
    let texts = raw_texts(&bench.run(), "attempts");
    assert_eq!(texts.len(), 9, "all but the last are answers");
    assert!(texts.iter().filter(|text| text.contains("****")).count() >= 7, "{texts:#?}");
    let again = debug_run(command);
    check_exit(&again, 1);
    check_nowhere(&bench.run(), key, &[&output, &again]);
}

#[test]
fn a_key_of_the_environment_is_nowhere() {
    let bench = Bench::new("keys-environment", spreading_script(KEY));
    check_spreading(&bench, &mut bench.command(&["--limit", "10"]), KEY);
}

#[test]
fn a_key_of_a_file_is_nowhere() {
    let key = "sk-canary/file+77aa55";
    let bench = Bench::new("keys-file", spreading_script(key));
    let path = bench.folder.join("key");
    fs::write(&path, format!("{key}\n")).unwrap();
    let mut command = bench.command(&["--limit", "10", "--key-file", text(&path)]);
    check_spreading(&bench, &mut command, key);
    let sent = bench.provider.requests();
    let authorization = sent[0].header("authorization").unwrap();
    assert_eq!(authorization, format!("Bearer {key}"), "the file goes before the environment");
}

#[test]
fn a_secret_header_is_nowhere() {
    let secret = "canary/header+31337";
    let bench = Bench::new("keys-header", spreading_script(secret));
    bench.settings("[providers.openai]\nretries = 0\nheaders_env = { x-gateway = \"GATEWAY_SECRET\" }\n");
    let mut command = bench.command(&["--limit", "10"]);
    check_spreading(&bench, command.env("GATEWAY_SECRET", secret), secret);
    assert_eq!(bench.provider.requests()[0].header("x-gateway"), Some(secret));
}

#[test]
fn what_a_script_prints_of_keys_is_nowhere() {
    let bench = Bench::new("keys-script", [image(1)]);
    let script = bench.folder.join("leak.sh");
    let picture = bench.folder.join("picture.png");
    fs::write(&picture, png(24, 16, 1)).unwrap();
    let text_of_script = "echo \"key: $OPENAI_API_KEY\" >&2; echo \"$OTHER_KEY\"\n\
                          [ \"$1\" = 0 ] && exit 3\ncp \"$2\" \"$3\"\n";
    fs::write(&script, text_of_script).unwrap();
    bench.settings("[providers.other]\nkind = \"openai-chat\"\nkey_env = \"OTHER_KEY\"\n");
    let model = format!("cmd:/bin/sh {} {{sample}} {} {{out}} {{prompt}}", text(&script), text(&picture));
    let mut command = bench.command(&["--model", &model, "--limit", "1", "--samples", "2"]);
    let output = command.env("OTHER_KEY", "canary-other/5150").output().unwrap();
    check_exit(&output, 4);
    let texts = raw_texts(&bench.run(), "attempts");
    assert_eq!(texts.len(), 2);
    assert!(texts.iter().all(|text| text.contains("key: ****\n")), "{texts:?}");
    check_nowhere(&bench.run(), KEY, &[&output]);
    check_nowhere(&bench.run(), "canary-other/5150", &[&output]);
}

#[test]
fn what_a_long_lived_command_says_of_keys_is_nowhere() {
    let bench = Bench::new("keys-lines", [image(1)]);
    let script = bench.folder.join("leak.sh");
    let text_of_script = r#"while IFS= read -r line; do
    id=${line#*'"id":"'}; id=${id%%'"'*}
    echo "key: $OPENAI_API_KEY" >&2
    echo "{\"id\": \"$id\", \"error\": \"bad key $OPENAI_API_KEY\"}"
done
"#;
    fs::write(&script, text_of_script).unwrap();
    let model = format!("cmd-lines:/bin/sh {}", text(&script));
    let output = bench.generate(&["--model", &model, "--limit", "2"]);
    check_exit(&output, 4);
    let report = Report::read(&output);
    assert_eq!(report.0["examples"]["command-failed"][0], "00000/0000: the command says: bad key ****");
    check_nowhere(&bench.run(), KEY, &[&output]);
}

#[test]
fn what_a_rewriter_says_of_keys_is_nowhere() {
    let bench = Bench::new("keys-rewriter", [image(1)]);
    let message = json!({"role": "assistant", "content": format!("a cat with {KEY}")});
    let reply = json!({"choices": [{"finish_reason": "stop", "message": message}], "key": KEY});
    let failed = json!({"error": {"message": format!("{KEY} is slow"), "code": KEY}});
    let script = [Reply::json(200, &reply), Reply::json(500, &failed)].map(Action::Reply);
    let writer = Provider::start(script);
    bench.settings(&format!(
        "[providers.openai]\nretries = 0\n\
         [providers.writer]\nkind = \"openai-chat\"\nretries = 0\nkey_env = \"OPENAI_API_KEY\"\nbase_url = \"{}\"\n",
        writer.url()
    ));
    let instructions = bench.folder.join("instructions.txt");
    fs::write(&instructions, "Make it vivid.").unwrap();
    let arguments = ["--rewriter", "chat:writer:pen", "--rewriter-instructions", text(&instructions)];
    let output = bench.command(&arguments).args(["--limit", "2"]).output().unwrap();
    check_exit(&output, 4);
    assert!(stderr(&output).contains("**** is slow"), "{}", stderr(&output));
    assert_eq!(bench.provider.prompts(), ["a cat with ****"]);
    let authorization = format!("Bearer {KEY}");
    assert_eq!(writer.requests()[0].header("authorization"), Some(authorization.as_str()));
    assert!(raw_texts(&bench.run(), "rewrites").iter().any(|text| text.contains("****")));
    check_nowhere(&bench.run(), KEY, &[&output]);
}

#[test]
fn key_files_hold_one_key_and_are_not_shown_otherwise() {
    let bench = Bench::new("keys-bad-file", [image(1)]);
    let path = bench.folder.join("key");
    for content in
        ["", "  \n", "sk-canary one two", "sk-canary\nsecond", "\"sk-canary\"", "OPENAI_API_KEY=sk-canary"]
    {
        fs::write(&path, content).unwrap();
        let output = bench.generate(&["--key-file", text(&path)]);
        check_exit(&output, 2);
        assert!(stderr(&output).contains("must contain only the key"), "{}", stderr(&output));
        assert!(!stderr(&output).contains("canary"), "{}", stderr(&output));
    }
    let output = bench.generate(&["--key-file", "/nonexistent/key"]);
    check_exit(&output, 1);
    let output = bench.command(&[]).env("OPENAI_API_KEY", "'sk-canary'").output().unwrap();
    check_exit(&output, 2);
    let said = stderr(&output);
    assert!(said.contains("`OPENAI_API_KEY` is in quotes") && !said.contains("canary"), "{said}");
    assert!(bench.provider.requests().is_empty() && !bench.run().exists());
}

#[test]
fn a_key_does_not_cross_the_network_in_the_open() {
    let bench = Bench::new("keys-plain-http", [Action::Reply(image_reply(&png(24, 16, 1)))]);
    let output = bench.generate(&["--base-url", "http://192.0.2.1:9/v1"]);
    check_exit(&output, 2);
    assert!(stderr(&output).contains("unencrypted"), "{}", stderr(&output));
    let output = bench.generate(&["--base-url", "https://me:sk-canary-pass@192.0.2.1/v1"]);
    check_exit(&output, 2);
    assert!(!stderr(&output).contains("canary"), "{}", stderr(&output));
    assert!(!bench.run().exists());
}

#[test]
fn a_key_in_a_command_line_is_refused_before_it_is_kept() {
    let bench = Bench::new("keys-command-line", [image(1)]);
    let model = format!("cmd:/bin/false {KEY} {{prompt}} {{out}}");
    let run = bench.run();
    let mut command = super::support::command(&["generate", "--suite", "geneval", "--model", &model]);
    command.args(["--ids", "0", "--run", super::support::text(&run)]).env("OPENAI_API_KEY", KEY);
    let output = command.output().unwrap();
    super::support::check_exit(&output, 2);
    let said = super::support::stderr(&output);
    assert!(said.contains("contains a key") && !said.contains(KEY), "{said}");
    assert!(!run.exists());
}

//! Golden: the example folders of `shared/golden/multiturn`, in the layouts of five benchmarks.

use std::path::{Path, PathBuf};

use imgeval_suites::rounds::{Benchmark, SourceImage};

use crate::{Delivered, RoundsError, Session, gather_outputs, write_cases};

fn golden(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/multiturn").join(name);
    path.exists().then_some(path)
}

fn images(session: &Session) -> usize {
    session.rounds.iter().filter(|round| matches!(round, Delivered::Image(_))).count()
}

#[test]
fn outputs_in_each_layout_are_sessions() {
    let Some(root) = golden("lme") else { return };
    let root = root.parent().unwrap();
    let check = |benchmark: Benchmark, data: &str, outputs: &str, model: &str, expected: &[usize]| {
        let known = benchmark.read(&root.join(data), None).unwrap();
        let place = root.join(outputs).to_str().unwrap().to_owned();
        let found = gather_outputs(benchmark, &known, &[place]).unwrap();
        assert_eq!(found.iter().map(images).collect::<Vec<_>>(), expected, "{outputs}");
        for session in &found {
            assert_eq!(session.model, model);
            session.source.read().unwrap();
        }
    };
    check(Benchmark::MagicBrush, "magicbrush/test", "magicbrush/outputs", "outputs", &[1, 2, 3]);
    check(Benchmark::EdiVal, "edival/example", "edival/example/my_model", "my_model", &[3, 3]);
    check(Benchmark::EdiVal, "edival/example", "edival/example/my_model/multipass", "my_model", &[3, 3]);
    check(Benchmark::LmeBench, "lme/example/data", "lme/example/outputs", "outputs", &[3, 3]);
}

#[test]
fn tables_of_results_are_sessions_and_other_folders_are_none() {
    let Some(root) = golden("mse/data") else { return };
    let known = Benchmark::MseBench.read(&root.join("train-00000-of-00001.parquet"), None).unwrap();
    let place = |name: &str| vec![format!("m={}", root.join(name).display())];
    let results = place("results-made_up-00000-of-00001.parquet");
    let found = gather_outputs(Benchmark::MseBench, &known, &results).unwrap();
    assert_eq!(found.len(), known.len());
    assert!(found.iter().map(images).sum::<usize>() > 0 && found[0].model == "m");
    let error = gather_outputs(Benchmark::MseBench, &known, &place("")).unwrap_err();
    assert!(matches!(error, RoundsError::NoSession { .. }), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cases.jsonl");
    let written = write_cases(&known, &file).unwrap();
    assert_eq!(written.n_images, written.n_cases);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("cases-images/"), "{text}");
}

#[test]
fn the_parts_of_imgedit_do_not_share_cases() {
    let Some(root) = golden("imgedit_mt/example") else { return };
    let known = Benchmark::ImgEdit.read(&root, None).unwrap();
    let keys: Vec<&str> = known.iter().map(|known| known.key.as_str()).collect();
    assert!(
        keys.contains(&"content_memory.000000161.jpg") && keys.contains(&"version_backtrace.000000161.jpg")
    );
    let names = Benchmark::ImgEdit.round_names("content_memory.000000161.jpg", 2).unwrap();
    assert_eq!(names, ["content_memory/000000161/turn2.png"]);
    for key in ["000000161.jpg", "content_memory.../x", "other.1.jpg"] {
        assert!(Benchmark::ImgEdit.round_names(key, 1).is_err(), "{key}");
    }
    assert!(Benchmark::LmeBench.round_names("../x", 1).is_err());
    assert!(Benchmark::EdiVal.round_names("../7", 1).is_err());
}

#[test]
fn single_turns_are_asked_and_named_as_the_benchmarks_have_them() {
    let Some(root) = golden("magicbrush/test") else { return };
    let known = Benchmark::MagicBrush.read(&root, None).unwrap();
    let turns = Benchmark::MagicBrush.single_turns(&known, &root).unwrap();
    assert_eq!(turns.len(), known.iter().map(|known| known.session.rounds.len()).sum::<usize>());
    let second = turns.iter().find(|turn| turn.key.ends_with(".turn-2")).unwrap();
    let id = second.key.strip_suffix(".turn-2").unwrap();
    let name = format!("{id}/{id}_inde_2.png");
    assert_eq!(Benchmark::MagicBrush.round_names(&second.key, 1).unwrap()[0], name);
    let SourceImage::File(image) = &second.image else { panic!("{second:?}") };
    assert!(image.ends_with(format!("images/{id}/{id}-output1.png")), "{image:?}");

    let root = root.join("../../edival/example");
    let known = Benchmark::EdiVal.read(&root, None).unwrap();
    let turns = Benchmark::EdiVal.single_turns(&known, &root).unwrap();
    let (chain, last) = (&known[0].session.rounds, &turns[2]);
    let asked: Vec<&str> = chain.iter().map(|round| round.instruction.as_str()).collect();
    assert_eq!(last.session.rounds[0].instruction, asked.join(". "));
    let names = Benchmark::EdiVal.round_names(&last.key, 1).unwrap();
    assert_eq!(names[0], format!("singlepass/{}_input_raw_turn_3.png", known[0].key));
    assert_eq!(Benchmark::LmeBench.single_turns(&known, &root), None);
}

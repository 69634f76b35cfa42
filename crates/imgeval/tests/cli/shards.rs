//! `--shard` and `imgeval merge`: several machines give the bytes that one would.

use super::{
    resume::weights,
    support::{check_exit, command, files, imgeval, stderr, stdout, test_folder, text, write_official},
};

#[test]
fn merged_parts_give_the_bytes_of_one_run() {
    let folder = test_folder("shards");
    let images = folder.join("images");
    for index in [0, 1, 2, 40, 80, 81, 200] {
        write_official(&images, index, 0);
    }
    let fill = |name: &str, shard: &str| {
        let run = folder.join(name);
        let arguments = ["run", "--suite", "geneval", "--images", text(&images), "--run", text(&run)];
        let output = imgeval(&[&arguments[..], &["--weights", text(weights()), "--shard", shard]].concat());
        check_exit(&output, 0);
        run
    };
    let whole = fill("whole", "1/1");
    let parts: Vec<_> =
        (1..=3).map(|number| fill(&format!("part-{number}"), &format!("{number}/3"))).collect();
    let merged = folder.join("merged");
    let merge = ["merge", text(&parts[2]), text(&parts[0]), text(&parts[1]), "--run", text(&merged)];
    let output = imgeval(&merge);
    check_exit(&output, 0);
    assert!(stderr(&output).contains("part-3: added "), "{}", stderr(&output));
    check_exit(&imgeval(&merge), 0);
    let table = |run| stdout(&imgeval(&["score", text(run)]));
    assert_eq!(table(&merged), table(&whole));
    let dataset = |run| {
        let out = folder.join("dataset");
        let _ = std::fs::remove_dir_all(&out);
        check_exit(&imgeval(&["export", text(run), "--dataset", text(&out)]), 0);
        let mut written = files(&out);
        // It names the run.
        written.remove("README.md");
        written
    };
    assert_eq!(dataset(&merged), dataset(&whole));
}

#[test]
fn a_scheduler_says_which_part_it_is_and_a_wrong_part_is_refused() {
    let folder = test_folder("shards-auto");
    let images = folder.join("images");
    write_official(&images, 0, 0);
    write_official(&images, 1, 0);
    let run = folder.join("run");
    let arguments = ["import", "geneval", text(&images), "--run", text(&run), "--shard"];
    let with = |shard: &'static str| [&arguments[..], &[shard]].concat();
    let output = command(&with("auto")).env("RANK", "1").env("WORLD_SIZE", "2").output().unwrap();
    check_exit(&output, 0);
    assert!(stderr(&output).contains("1 imported"), "{}", stderr(&output));
    let output = imgeval(&with("auto"));
    check_exit(&output, 2);
    assert!(stderr(&output).contains("SLURM_ARRAY_TASK_ID"), "{}", stderr(&output));
    check_exit(&imgeval(&with("3/2")), 2);
}

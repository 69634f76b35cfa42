//! Prices, budgets and what is said before the first call.

use std::fs;

use super::{
    provider::{Bench, image},
    support::{check_exit, stderr, stdout, text},
};

const CATALOGUE: &str = r#"
[[model]]
provider = "openai-images"
id = "some-model"
source = "https://prices.example/"
as_of = "2026-01-02"
[model.price]
image = [{ usd = 0.04 }]
"#;

fn bench(name: &str) -> (Bench, String) {
    let bench = Bench::new(name, [image(1)]);
    let catalogue = bench.folder.join("models.toml");
    fs::write(&catalogue, CATALOGUE).unwrap();
    let catalogue = text(&catalogue).to_owned();
    (bench, catalogue)
}

fn spent(report: &super::provider::Report) -> f64 {
    report.0["spend"]["usd"].as_f64().unwrap()
}

#[test]
fn a_budget_stops_before_it_is_passed_and_a_higher_one_goes_on() {
    let (bench, catalogue) = bench("budget-stops");
    let arguments = |limit| ["--limit", "5", "--catalogue", &catalogue, "--max-cost", limit];
    let report = bench.report(&arguments("0.10"), 7);
    report.check(&[("made", 2), ("not-started", 3)]);
    assert_eq!(spent(&report), 0.08);
    assert_eq!(report.0["spend"]["calls_without_price"], 0);
    assert!(report.0["stopped"].as_str().unwrap().contains("$0.04"), "{:#}", report.0);

    bench.report(&arguments("0.10"), 7).check(&[("made", 0), ("there-before", 2), ("not-started", 3)]);
    assert_eq!(bench.provider.requests().len(), 2);

    let report = bench.report(&arguments("$0.16"), 7);
    report.check(&[("made", 2), ("there-before", 2), ("not-started", 1)]);
    assert_eq!(spent(&report), 0.16, "a limit may be reached");

    let report = bench.report(&arguments("1"), 0);
    report.check(&[("made", 1), ("there-before", 4)]);
    assert_eq!(spent(&report), 0.2);
    assert_eq!(bench.provider.requests().len(), 5);
}

#[test]
fn a_budget_holds_for_calls_at_the_same_time() {
    let (bench, catalogue) = bench("budget-concurrent");
    let arguments = ["--limit", "30", "--concurrency", "8", "--catalogue", &catalogue, "--max-cost", "0.30"];
    let report = bench.report(&arguments, 7);
    report.check(&[("made", 7), ("not-started", 23)]);
    assert_eq!((spent(&report), bench.provider.requests().len()), (0.28, 7));
}

#[test]
fn a_budget_without_a_price_is_refused_before_any_call() {
    let bench = Bench::new("budget-unknown", [image(1)]);
    let output = bench.generate(&["--limit", "2", "--max-cost", "5"]);
    check_exit(&output, 2);
    assert!(!bench.run().exists());
    let said = stderr(&output);
    assert!(said.contains("the price of some-model is unknown"), "{said}");
    assert!(said.contains("hint: add the price to the catalog"), "{said}");
    assert_eq!(bench.provider.requests().len(), 0);
    bench.report(&["--limit", "2"], 0).check(&[("made", 2)]);
}

#[test]
fn a_budget_that_is_no_amount_is_refused() {
    let bench = Bench::new("budget-amount", [image(1)]);
    for amount in ["-1", "nan", "inf", "much", "1e300"] {
        check_exit(&bench.generate(&["--max-cost", amount]), 2);
    }
    assert!(bench.provider.requests().is_empty() && !bench.run().exists());
}

#[test]
fn a_dry_run_tells_calls_cost_basis_and_time_and_touches_nothing() {
    let (bench, catalogue) = bench("budget-dry-run");
    let arguments = ["--limit", "5", "--samples", "2", "--catalogue", &catalogue, "--rpm", "4", "--dry-run"];
    let report = bench.report(&arguments, 0).0;
    assert_eq!((&report["calls"], &report["done"]), (&10.into(), &0.into()));
    assert_eq!((&report["cost_usd"], &report["calls_without_price"]), (&0.4.into(), &0.into()));
    assert_eq!(report["least_seconds"], 150.0);
    let (basis, calls) = report["basis"].as_object().unwrap().iter().next().unwrap();
    assert!(basis.contains("2026-01-02"), "{basis}");
    assert_eq!(calls, 10);
    assert!(bench.provider.requests().is_empty() && !bench.run().exists());

    let mut command = bench.command(&arguments);
    let plain = command.get_args().filter(|argument| *argument != "--json");
    let output = super::support::command(&[]).args(plain).output().unwrap();
    check_exit(&output, 0);
    let said = stdout(&output);
    assert!(said.contains("calls    10") && said.contains("about $0.40"), "{said}");
    assert!(said.contains("4 requests per minute (--rpm)") && said.contains("at least 3 min"), "{said}");
    assert_eq!(command.output().unwrap().status.code(), Some(0));

    bench.report(&["--limit", "3"], 0);
    let report = bench.report(&arguments, 0).0;
    assert_eq!(
        (&report["calls"], &report["done"], &report["cost_usd"]),
        (&7.into(), &3.into(), &0.28.into())
    );
    bench.report(&["--limit", "3"], 0).check(&[("made", 0), ("there-before", 3)]);
    assert_eq!(bench.provider.requests().len(), 3);
}

#[test]
fn a_dry_run_without_a_price_says_so() {
    let bench = Bench::new("budget-dry-run-unknown", [image(1)]);
    let report = bench.report(&["--limit", "5", "--dry-run"], 0).0;
    assert!(report["cost_usd"].is_null() && report["least_seconds"].is_null(), "{report:#}");
    assert_eq!(report["calls_without_price"], 5);
}

#[test]
fn a_catalogue_that_cannot_be_read_is_refused_with_its_line() {
    let bench = Bench::new("budget-catalogue", [image(1)]);
    let catalogue = bench.folder.join("models.toml");
    fs::write(&catalogue, CATALOGUE.replace("usd", "euro")).unwrap();
    let output = bench.generate(&["--catalogue", text(&catalogue)]);
    check_exit(&output, 2);
    assert!(stderr(&output).contains("models.toml`, line 8: "), "{}", stderr(&output));
    assert!(bench.provider.requests().is_empty() && !bench.run().exists());
}

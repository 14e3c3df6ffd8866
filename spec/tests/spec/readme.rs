//! README.md names the tests of every requirement, and docs/security.md those of every threat:
//! they exist, and of the cases none is left out.
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn readme() -> String {
    fs::read_to_string(format!("{ROOT}/README.md")).unwrap()
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn all_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for path in files(folder) {
        match path.is_dir() {
            true => all_files(&path, found),
            false => found.push(path),
        }
    }
}

#[test]
fn it_names_every_case_and_no_other() {
    const FOLDERS: [&str; 5] = ["whip", "whep", "errors", "pairing", "relay"];
    let cases = FOLDERS.iter().flat_map(|folder| {
        let cases = files(&Path::new(ROOT).join("http").join(folder));
        cases.into_iter().map(move |case| {
            let name = case.file_name().unwrap().to_str().unwrap().to_owned();
            format!("{folder}/{}", name.trim_end_matches(".hurl"))
        })
    });
    let readme = readme();
    let is_case = |name: &&str| {
        let folder = name.split_once('/').map(|(folder, _)| folder);
        folder.is_some_and(|folder| FOLDERS.contains(&folder)) && !name.ends_with('…')
    };
    let named = quoted(&readme).filter(is_case).map(str::to_owned);
    assert_eq!(named.collect::<BTreeSet<_>>(), cases.collect());
}

/// The text of every file in these folders.
fn sources(folders: &[&str]) -> String {
    let mut sources = Vec::new();
    for folder in folders {
        all_files(&Path::new(ROOT).join(folder), &mut sources);
    }
    let sources = sources.into_iter();
    sources
        .map(|path| fs::read_to_string(path).unwrap_or_default())
        .collect()
}

fn has_function(sources: &str, function: &str) -> bool {
    let known = [format!("fn {function}("), format!("mod {function};")];
    known.iter().any(|item| sources.contains(item))
}

#[test]
fn the_test_functions_that_it_names_exist() {
    let sources = sources(&["tests", "src", "../gateway/src", "../gateway/tests"]);
    let readme = readme();
    let functions = quoted(&readme).filter_map(|name| name.split_once("::"));
    for (_, function) in functions.filter(|(_, name)| !name.contains('…')) {
        assert!(has_function(&sources, function), "{function}");
    }
}

#[test]
fn the_tests_of_the_threat_model_exist() {
    let rust = sources(&[
        "tests",
        "src",
        "../gateway/src",
        "../gateway/relay/src",
        "../gateway/tests",
        "../camera/src",
        "../camera/tests",
    ]);
    let others = sources(&[
        "../tests/browser",
        "../tests/networks",
        "../player/test",
        "../bench/src",
    ]);
    let targets = ["fuzz", "../gateway/fuzz"]
        .map(|folder| fs::read_to_string(format!("{ROOT}/{folder}/Cargo.toml")).unwrap())
        .concat();
    let exists = |name: &str| {
        if let Some((_, title)) = name.split_once(": ") {
            return others.contains(title);
        }
        if let Some((_, function)) = name.split_once("::") {
            return has_function(&rust, function);
        }
        match name.split_once('/') {
            Some(("fuzz", target)) => targets.contains(&format!("name = \"{target}\"")),
            _ => {
                let case = Path::new(ROOT).join("http").join(name);
                case.is_dir()
                    || case
                        .with_file_name(format!("{}.hurl", name.rsplit('/').next().unwrap()))
                        .is_file()
            }
        }
    };
    let page = fs::read_to_string(format!("{ROOT}/../docs/security.md")).unwrap();
    let (_, threats) = page.split_once("shown by |").unwrap();
    let rows = threats
        .lines()
        .filter(|line| line.matches(" | ").count() == 3);
    let mut count = 0;
    for row in rows {
        let (what, tests) = row.rsplit_once(" | ").unwrap();
        let tests: Vec<_> = quoted(tests).collect();
        assert!(!tests.is_empty(), "no test shows {what}");
        for test in tests {
            assert!(exists(test), "{test}");
        }
        count += 1;
    }
    assert!(count > 10, "only {count} rows were found");
}

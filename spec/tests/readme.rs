//! README.md names the tests of every requirement: they exist, and none is left out.
#![expect(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

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

#[test]
fn the_test_functions_that_it_names_exist() {
    let mut sources = Vec::new();
    for folder in ["tests", "src", "../gateway/src", "../gateway/tests"] {
        all_files(&Path::new(ROOT).join(folder), &mut sources);
    }
    let sources = sources
        .into_iter()
        .map(|path| fs::read_to_string(path).unwrap());
    let sources: String = sources.collect();
    let readme = readme();
    let functions = quoted(&readme).filter_map(|name| name.split_once("::"));
    for (_, function) in functions.filter(|(_, name)| !name.contains('…')) {
        let known = [format!("fn {function}("), format!("mod {function};")];
        let known = known.iter().any(|item| sources.contains(item));
        assert!(known, "{function}");
    }
}

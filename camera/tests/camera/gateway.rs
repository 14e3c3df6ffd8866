//! The gateway as it is, with its relay.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use reqwest::Url;

/// A gateway that runs; gone when dropped.
pub(crate) struct Gateway {
    process: Child,
    pub(crate) url: Url,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Gateway {
    /// The program of this workspace, which `cargo test --workspace` has built.
    pub(crate) fn start() -> Self {
        let tests = std::env::current_exe().unwrap();
        let program = tests.parent().unwrap().with_file_name("sightline-gateway");
        let mut command = Command::new(&program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("SIGHTLINE_") {
                command.env_remove(name);
            }
        }
        let mut process = command
            .args(["--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{} cannot be started: {error}", program.display()));
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let url = lines.map_while(Result::ok).find_map(|line| {
            let url = line.strip_prefix("listening on ")?;
            url.parse().ok()
        });
        Self {
            process,
            url: url.expect("it says where it listens"),
        }
    }

    pub(crate) fn whep(&self) -> Url {
        self.url.join("whep/test").unwrap()
    }
}

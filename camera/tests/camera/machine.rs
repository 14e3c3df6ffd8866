//! A machine of a test's own, as far as cameras and microphones go: a `/dev` without devices, and a
//! sound server, PulseAudio, without microphones.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use crate::rig::eventually;

/// Set for a test that runs there: where its sound server listens.
const SERVER: &str = "PULSE_SERVER";
const IS_THERE: &str = "SIGHTLINE_TEST_MACHINE";

/// What is in `/dev` but for devices of cameras and microphones.
const DEV: &str = "set -e
    mount -t tmpfs none \"$1\"
    for file in null zero full random urandom; do
        touch \"$1/$file\"
        mount --bind \"/dev/$file\" \"$1/$file\"
    done
    mkdir \"$1/shm\"
    mount --bind /dev/shm \"$1/shm\"
    mount --rbind \"$1\" /dev
    shift
    exec \"$@\"";

/// Where cameras are.
pub(crate) fn first_webcam() -> PathBuf {
    "/dev/video0".into()
}

/// Runs this test on such a machine: as a process of its own, since all threads of one have one
/// environment.
pub(crate) async fn on_a_machine_of_its_own(test: &str, run: impl Future<Output = ()>) {
    if std::env::var_os(IS_THERE).is_some() {
        return run.await;
    }
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("dev");
    std::fs::create_dir(&path).unwrap();
    let mut machine = Command::new("unshare");
    machine.args(["--mount", "--propagation", "private"]);
    if !is_root() {
        machine.args(["--user", "--map-root-user"]);
    }
    machine
        .args(["sh", "-c", DEV, "machine"])
        .arg(&path)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(IS_THERE, "yes")
        .env(SERVER, format!("unix:{}", socket_in(home.path()).display()))
        .env("HOME", home.path())
        .env("XDG_RUNTIME_DIR", home.path());
    let done = tokio::task::spawn_blocking(move || machine.output());
    let done = done.await.unwrap().unwrap();
    let told = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "on a machine of its own: {told}");
    // What was measured there; not that it has passed, which is told once.
    eprint!("{told}");
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

fn socket_in(home: &Path) -> PathBuf {
    home.join("pulse.socket")
}

/// The sound server of such a machine; gone when dropped.
pub(crate) struct SoundServer(Child);

impl Drop for SoundServer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl SoundServer {
    pub(crate) async fn start() -> Self {
        let listens = std::env::var(SERVER).unwrap();
        let socket = listens.strip_prefix("unix:").unwrap();
        let protocol = format!("module-native-protocol-unix socket={socket} auth-anonymous=1");
        let server = Command::new("pulseaudio")
            .args([
                "-n",
                "--daemonize=no",
                "--use-pid-file=no",
                "--exit-idle-time=-1",
            ])
            .args(["--log-level=error", "--load", &protocol])
            .stdout(Stdio::null())
            .spawn()
            .expect("pulseaudio is installed");
        let this = Self(server);
        let answer = async || pactl("info");
        eventually("the sound server answers", answer, Option::is_some).await;
        // What a loudspeaker plays, and that is no microphone.
        for module in [
            "module-null-sink sink_name=room",
            "module-sine sink=room frequency=440",
        ] {
            assert!(
                pactl(&format!("load-module {module}")).is_some(),
                "{module}"
            );
        }
        this
    }

    /// Plugs a microphone in that hears the tone; the result unplugs it.
    pub(crate) fn plug_in(&self) -> impl FnOnce() + use<> {
        let microphone = "load-module module-remap-source master=room.monitor source_name=mic";
        let number = pactl(microphone).expect("a microphone");
        move || assert!(pactl(&format!("unload-module {number}")).is_some())
    }
}

/// What it prints, if it succeeds.
fn pactl(arguments: &str) -> Option<String> {
    let done = Command::new("pactl")
        .args(arguments.split_whitespace())
        .output()
        .ok()?;
    done.status
        .success()
        .then(|| String::from_utf8_lossy(&done.stdout).into_owned())
}

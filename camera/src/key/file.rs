//! The file that keeps a camera's key.

use std::{
    fs, io,
    io::Write,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use super::KeyError;

/// What the file holds, which nobody else can read. Where there is none, what `make` makes.
pub(super) fn read_or_write(
    path: &Path,
    make: impl FnOnce() -> Result<String, KeyError>,
) -> Result<String, KeyError> {
    let file_error = |error| KeyError::File {
        path: path.to_owned(),
        error,
    };
    match fs::metadata(path) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            write_once(path, &make()?).map_err(file_error)?;
        }
        Err(error) => return Err(file_error(error)),
    }
    // Read back in either case: of two cameras that start at once, one wrote.
    let metadata = fs::metadata(path).map_err(file_error)?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(KeyError::Exposed(path.to_owned()));
    }
    fs::read_to_string(path).map_err(file_error)
}

/// `~/.config/sightline/camera.key`, or where the XDG base directories say.
pub(super) fn default_path() -> Result<PathBuf, KeyError> {
    let directory = |name| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let config = directory("XDG_CONFIG_HOME")
        .or_else(|| Some(directory("HOME")?.join(".config")))
        .ok_or(KeyError::NoHome)?;
    Ok(config.join("sightline/camera.key"))
}

/// Writes the file whole or not at all, and never over another one.
fn write_once(path: &Path, text: &str) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    // Of mode 0600.
    let mut draft = NamedTempFile::new_in(directory)?;
    draft.write_all(text.as_bytes())?;
    draft.as_file().sync_all()?;
    match draft.persist_noclobber(path) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => Err(error.error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::RoomKey;

    /// A directory of the test's own.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("sightline-key-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            Self(path)
        }

        fn key(&self) -> PathBuf {
            self.0.join("deep/camera.key")
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_key_is_made_once_and_kept_for_its_owner_only() {
        let scratch = Scratch::new("kept");
        let first = RoomKey::load_or_create(&scratch.key()).unwrap();
        let second = RoomKey::load_or_create(&scratch.key()).unwrap();
        assert_eq!(first.room(), second.room());
        let mode = fs::metadata(scratch.key()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let files = fs::read_dir(scratch.key().parent().unwrap())
            .unwrap()
            .count();
        assert_eq!(files, 1, "no draft is left behind");
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let scratch = Scratch::new("exposed");
        RoomKey::load_or_create(&scratch.key()).unwrap();
        fs::set_permissions(scratch.key(), fs::Permissions::from_mode(0o640)).unwrap();
        let refused = RoomKey::load_or_create(&scratch.key());
        assert!(matches!(refused, Err(KeyError::Exposed(_))));
    }

    #[test]
    fn what_is_no_key_is_not_overwritten() {
        let scratch = Scratch::new("malformed");
        write_once(&scratch.key(), "precious").unwrap();
        assert!(matches!(
            RoomKey::load_or_create(&scratch.key()),
            Err(KeyError::Malformed(_))
        ));
        assert_eq!(fs::read_to_string(scratch.key()).unwrap(), "precious");
    }
}

//! Which microphone belongs to the camera.

use std::path::{Path, PathBuf};

use gst::{glib, prelude::*};

use crate::source::{Source, first_video_device};

/// Where Linux says which device is part of which.
const SYSTEM: &str = "/sys/class";

/// A microphone that GStreamer has found.
#[derive(Debug)]
pub(crate) struct Microphone {
    pub(crate) name: String,
    device: gst::Device,
    traits: Traits,
}

/// What a microphone is chosen by, the best one having the greatest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Traits {
    /// It is in the camera's own case, as far as USB tells.
    is_the_cameras: bool,
    /// The sound server has it, so others may use it at the same time.
    is_shared: bool,
    /// What the user has chosen in the desktop's settings.
    is_default: bool,
}

impl Microphone {
    /// The camera's own, else the default one, else any.
    pub(crate) fn best_for(source: &Source) -> Option<Self> {
        let camera = camera_of(source, Path::new(SYSTEM));
        let all = Self::all(camera.as_deref());
        all.into_iter().max_by_key(|microphone| microphone.traits)
    }

    /// All that there are.
    pub(crate) fn all(camera: Option<&Path>) -> Vec<Self> {
        let monitor = gst::DeviceMonitor::new();
        monitor.add_filter(Some("Audio/Source"), None);
        let devices = monitor.devices().into_iter();
        devices
            .filter_map(|device| Self::of(device, camera))
            .collect()
    }

    pub(crate) fn element(&self) -> Result<gst::Element, glib::BoolError> {
        self.device.create_element(None)
    }

    fn of(device: gst::Device, camera: Option<&Path>) -> Option<Self> {
        let properties = device
            .properties()
            .unwrap_or_else(|| gst::Structure::new_empty("none"));
        let text = |name: &str| properties.get::<String>(name).ok();
        // What a loudspeaker plays is no microphone.
        if text("device.class").is_some_and(|class| class == "monitor") {
            return None;
        }
        let number = |name: &str| {
            properties
                .get::<i32>(name)
                .ok()
                .map(|card| card.to_string())
        };
        let card = ["alsa.card", "api.alsa.card"]
            .into_iter()
            .find_map(|name| text(name).or_else(|| number(name)));
        let usb = card.and_then(|card| {
            let card = Path::new(SYSTEM).join("sound").join(format!("card{card}"));
            usb_device_of(&card)
        });
        let traits = Traits {
            is_the_cameras: usb.is_some() && usb.as_deref() == camera,
            is_shared: text("device.api").is_none_or(|api| api != "alsa")
                || properties.has_field("node.name"),
            is_default: properties.get::<bool>("is-default").unwrap_or(false),
        };
        Some(Self {
            name: device.display_name().into(),
            device,
            traits,
        })
    }
}

/// The USB device that the camera is, if it is one.
fn camera_of(source: &Source, system: &Path) -> Option<PathBuf> {
    let Source::V4l2(device) = source.resolve() else {
        return None;
    };
    let device = device.or_else(first_video_device)?;
    let device = std::fs::canonicalize(device).ok()?;
    usb_device_of(&system.join("video4linux").join(device.file_name()?))
}

/// The USB device that this device of Linux is a part of. Only those have a vendor's number.
fn usb_device_of(device: &Path) -> Option<PathBuf> {
    let part = std::fs::canonicalize(device.join("device")).ok()?;
    let device = part.ancestors().find(|path| path.join("idVendor").exists());
    device.map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::symlink};

    #[test]
    fn a_microphone_in_the_cameras_case_is_known_by_its_usb_device() {
        let root = tempfile::tempdir().unwrap();
        let part = |path: &str, class: &str| {
            let (interface, link) = (root.path().join(path), root.path().join(class));
            fs::create_dir_all(&interface).unwrap();
            fs::create_dir_all(&link).unwrap();
            if let Some(usb) = interface.parent().filter(|_| path.contains("usb")) {
                fs::write(usb.join("idVendor"), "046d").unwrap();
            }
            symlink(&interface, link.join("device")).unwrap();
            link
        };
        let video = part("devices/usb1/1-4/1-4:1.0", "video4linux/video0");
        let its_own = part("devices/usb1/1-4/1-4:1.2", "sound/card1");
        let another = part("devices/usb1/1-5/1-5:1.0", "sound/card2");
        let built_in = part("devices/pci0/hda", "sound/card0");

        let camera = usb_device_of(&video).unwrap();
        assert_eq!(usb_device_of(&its_own), Some(camera.clone()));
        assert_ne!(usb_device_of(&another), Some(camera));
        assert_eq!(usb_device_of(&built_in), None);
        assert_eq!(usb_device_of(&root.path().join("sound/card9")), None);

        let source = Source::V4l2(Some("/dev/null".into()));
        assert_eq!(camera_of(&source, root.path()), None, "no such camera");
        assert_eq!(camera_of(&Source::Libcamera, root.path()), None);
    }

    #[test]
    fn the_cameras_own_comes_before_the_default_one() {
        let (own, default, shared) = (
            Traits {
                is_the_cameras: true,
                ..Traits::default()
            },
            Traits {
                is_shared: true,
                is_default: true,
                ..Traits::default()
            },
            Traits {
                is_shared: true,
                ..Traits::default()
            },
        );
        assert!(own > default && default > shared && shared > Traits::default());
    }
}

//! What is wrong goes to the log once, not with every attempt.

use std::fmt::Display;

use crate::log::without_passwords;

/// The last complaint.
#[derive(Debug, Default)]
pub(crate) struct Complaint(Option<String>);

impl Complaint {
    /// Logs what is wrong, if it is news.
    pub(crate) fn raise(&mut self, what: &impl Display) {
        if let Some(what) = self.news(what) {
            tracing::warn!("{what}; trying again until it works");
        }
    }

    /// Logs what is as it is, if it is news.
    pub(crate) fn mention(&mut self, what: &impl Display) {
        if let Some(what) = self.news(what) {
            tracing::info!("{what}");
        }
    }

    fn news(&mut self, what: &impl Display) -> Option<&str> {
        let what = without_passwords(&what.to_string());
        if self.0.as_ref() == Some(&what) {
            tracing::debug!("still: {what}");
            return None;
        }
        Some(self.0.insert(what))
    }

    /// It works. The same complaint would be news again.
    pub(crate) fn settle(&mut self) {
        self.0 = None;
    }
}

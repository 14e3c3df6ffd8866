//! What is wrong goes to the log once, not with every attempt.

use std::fmt::Display;

use crate::log::without_passwords;

/// The last complaint.
#[derive(Debug, Default)]
pub(crate) struct Complaint(Option<String>);

impl Complaint {
    /// Logs what is wrong, if it is news.
    pub(crate) fn raise(&mut self, what: &impl Display) {
        let what = without_passwords(&what.to_string());
        if self.0.as_ref() == Some(&what) {
            tracing::debug!("still: {what}");
        } else {
            tracing::warn!("{what}; trying again until it works");
            self.0 = Some(what);
        }
    }

    /// It works. The same complaint would be news again.
    pub(crate) fn settle(&mut self) {
        self.0 = None;
    }
}

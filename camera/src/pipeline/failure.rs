//! What the pipeline's elements complain of, and whom it concerns.

use std::sync::{Arc, Weak};

use gst::prelude::*;

use super::{Pipeline, PipelineError};
use crate::publish;

impl Pipeline {
    /// Waits until the pipeline fails. What concerns one viewer ends that viewer only.
    pub async fn failed(&self) -> PipelineError {
        let mut failure = self.failure.subscribe();
        match failure.wait_for(Option::is_some).await {
            Ok(why) => PipelineError::Failed(why.clone().unwrap_or_default()),
            Err(_) => PipelineError::Failed("it is gone".to_owned()),
        }
    }

    /// Acts on messages as they are posted and keeps none: those about a viewer's elements would
    /// keep the elements alive.
    pub(super) fn read_messages(self: &Arc<Self>) {
        let this = Arc::downgrade(self);
        let Some(bus) = self.pipeline.bus() else {
            return;
        };
        bus.set_sync_handler(move |_, message| {
            if let (Some(this), gst::MessageView::Error(error)) = (this.upgrade(), message.view()) {
                let told = error.debug().and_then(|debug| publish::in_words(&debug));
                let why = told.unwrap_or_else(|| error.error().to_string());
                this.handle_error(message.src(), &why);
            }
            gst::BusSyncReply::Drop
        });
    }

    fn handle_error(&self, source: Option<&gst::Object>, why: &str) {
        let concerned = self
            .branches()
            .iter()
            .filter_map(Weak::upgrade)
            .find(|branch| source.is_some_and(|source| branch.contains(source)));
        match concerned {
            Some(branch) => branch.fail(why),
            None => {
                self.failure.send_replace(Some(why.to_owned()));
            }
        }
    }
}

//! A camera and viewers that really send and receive media, with everything that this
//! takes: ICE, DTLS, SRTP, reports, keyframe requests, retransmission.

mod audience;
mod camera;
mod endpoint;
mod frames;
mod hall;
mod publisher;
mod socket;
mod stamp;
mod tally;
#[cfg(test)]
mod tests;
mod viewer;

pub(crate) use audience::{Audience, Door, Heard};
pub(crate) use endpoint::Offering;
pub(crate) use publisher::{Programme, Publisher};
pub(crate) use tally::Delays;
pub(crate) use viewer::Viewer;

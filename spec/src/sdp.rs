//! Offers and answers: RFC 8866 text, checked as far as WHIP and WHEP rely on it.
//!
//! The text is kept as it came, since both ends know more about it than we do;
//! what the protocol needs is read from it, and a few rewrites are offered.

mod attribute;
mod description;
mod extension;
mod media;
mod payload;
mod rewrite;
mod source;
mod whole;

pub use attribute::{Direction, Fingerprint, IceCredentials};
pub use description::{Sdp, SdpError};
pub use extension::HeaderExtension;
pub use media::Media;
pub use payload::Payload;
pub use source::Source;

use std::ops::Deref;

/// An SDP offer or answer with the rules of its place in the protocol checked.
macro_rules! role {
    ($(#[$doc:meta])* $name:ident, $forbidden:expr, $sender:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub struct $name(Sdp);

        impl $name {
            /// Checks the text and its place in the protocol.
            ///
            /// # Errors
            /// The first rule that is broken, in words for whoever sent it.
            pub fn parse(text: &str) -> Result<Self, SdpError> {
                let sdp = Sdp::parse(text)?;
                sdp.check_directions($forbidden, $sender)?;
                sdp.check_transport()?;
                Ok(Self(sdp))
            }

            /// The description itself.
            pub fn into_sdp(self) -> Sdp {
                self.0
            }
        }

        impl Deref for $name {
            type Target = Sdp;

            fn deref(&self) -> &Sdp {
                &self.0
            }
        }
    };
}

role! {
    /// What a camera POSTs. RFC 9725 section 4.2: the client SHOULD use
    /// `sendonly`, MAY use `sendrecv`; `recvonly` and `inactive` are forbidden. A section
    /// that is `inactive` beside one that is not does no harm.
    PublisherOffer, [Direction::RecvOnly, Direction::Inactive], "a WHIP offer"
}
role! {
    /// What a viewer POSTs. WHEP section 4.3: the player SHOULD use `recvonly`,
    /// MAY use `sendrecv`; `sendonly` and `inactive` are forbidden. A section that is
    /// `inactive` beside one that is not does no harm.
    ViewerOffer, [Direction::SendOnly, Direction::Inactive], "a WHEP offer"
}
role! {
    /// What a viewer PATCHes to accept a counter-offer: it receives. A section
    /// it does not want is `inactive` or has port 0 (RFC 3264 section 6).
    ViewerAnswer, [Direction::SendOnly, Direction::SendRecv], "an answer to a counter-offer"
}

impl ViewerAnswer {
    /// Checks that this answers that offer: as many sections, of the same kinds
    /// (RFC 3264 section 6), and at least one that is received.
    ///
    /// # Errors
    /// [`SdpError::NotAnAnswer`] with the reason.
    pub fn check_answers(&self, offer: &Sdp) -> Result<(), SdpError> {
        let kinds = |sdp: &Sdp| {
            let kinds = sdp.media().map(|media| media.kind().to_owned());
            kinds.collect::<Vec<_>>()
        };
        if kinds(self) != kinds(offer) {
            return Err(SdpError::NotAnAnswer(
                "its m= lines are not those of the offer",
            ));
        }
        let received =
            |media: Media<'_>| !media.is_rejected() && media.direction() == Direction::RecvOnly;
        match self.media().any(received) {
            true => Ok(()),
            false => Err(SdpError::NotAnAnswer("it receives nothing")),
        }
    }
}

//! The audience's thread: sleeps until a packet or a deadline comes.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::sync::{Arc, mpsc};
use std::time::Instant;

use mio::{Events, Interest, Poll, Token};
use tokio::sync::watch;

use super::audience::{Command, Heard};
use super::socket::{Buffers, Socket};
use super::stamp::Stamp;
use super::viewer::{Ears, Viewer, Window};

/// Someone has something to say.
pub(super) const COMMAND: Token = Token(usize::MAX);
/// A stamp has come straight.
const STRAIGHT: Token = Token(usize::MAX - 1);

/// Where the viewers sit.
pub(super) struct Hall {
    poll: Poll,
    commands: mpsc::Receiver<Command>,
    straight: Socket,
    /// Whom to wake when: the deadline and the place among the viewers.
    deadlines: BTreeSet<(Instant, usize)>,
    /// How many viewers have had a packet.
    watching: watch::Sender<usize>,
    window: Arc<Window>,
    heard: Heard,
}

impl Hall {
    /// Sleeps in this poll, whose waker has the token [`COMMAND`].
    pub(super) fn new(
        poll: Poll,
        commands: mpsc::Receiver<Command>,
        watching: watch::Sender<usize>,
        mut straight: Socket,
        window: Arc<Window>,
    ) -> anyhow::Result<Self> {
        let registry = poll.registry();
        registry.register(&mut straight.io, STRAIGHT, Interest::READABLE)?;
        Ok(Self {
            poll,
            commands,
            straight,
            deadlines: BTreeSet::new(),
            watching,
            window,
            heard: Heard::nothing(),
        })
    }

    /// Until it is told to end.
    pub(super) fn run(mut self) -> anyhow::Result<Heard> {
        let mut events = Events::with_capacity(1024);
        let mut buffers = Buffers::new();
        loop {
            let now = Instant::now();
            self.wake_viewers(now);
            let next = self.deadlines.first();
            let wait = next.map(|(deadline, _)| deadline.saturating_duration_since(now));
            match self.poll.poll(&mut events, wait) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error.into()),
                _ => {}
            }
            for event in &events {
                match event.token() {
                    COMMAND => {
                        if !self.obey()? {
                            return Ok(self.heard);
                        }
                    }
                    STRAIGHT => self.receive_straight(&mut buffers)?,
                    Token(place) => {
                        self.serve(place, |viewer, ears| viewer.receive(ears, &mut buffers))
                    }
                }
            }
        }
    }

    /// Says whether to go on.
    fn obey(&mut self) -> anyhow::Result<bool> {
        while let Ok(command) = self.commands.try_recv() {
            let Command::Watch(mut viewer) = command else {
                return Ok(false);
            };
            let place = self.heard.viewers.len();
            let endpoint = viewer.endpoint();
            endpoint.register(self.poll.registry(), Token(place))?;
            self.deadlines.insert((endpoint.deadline(), place));
            self.heard.viewers.push(*viewer);
        }
        Ok(true)
    }

    fn wake_viewers(&mut self, now: Instant) {
        let due = self.deadlines.range(..=(now, usize::MAX));
        // Each once, whatever new deadline it has.
        let places: Vec<_> = due.map(|(_, place)| *place).collect();
        for place in places {
            self.serve(place, |viewer, _| viewer.wake(now));
        }
    }

    /// Does something for one viewer, who is set aside if it fails.
    fn serve(
        &mut self,
        place: usize,
        what: impl FnOnce(&mut Viewer, &mut Ears) -> anyhow::Result<()>,
    ) {
        let viewer = &mut self.heard.viewers[place];
        if viewer.failed.is_some() {
            return;
        }
        let mut ears = Ears {
            window: &self.window,
            delays: &mut self.heard.delays,
            watching: &self.watching,
        };
        let before = viewer.endpoint().deadline();
        if let Err(error) = what(viewer, &mut ears) {
            viewer.failed.get_or_insert(format!("{error:#}"));
        }
        let after = viewer.endpoint().deadline();
        if viewer.failed.is_some() {
            self.deadlines.remove(&(before, place));
        } else if after != before {
            self.deadlines.remove(&(before, place));
            self.deadlines.insert((after, place));
        }
    }

    fn receive_straight(&mut self, buffers: &mut Buffers) -> anyhow::Result<()> {
        let Self {
            straight,
            window,
            heard,
            ..
        } = self;
        straight.receive(buffers, |datagram| {
            if let Some(stamp) = Stamp::at_end_of(datagram.bytes)
                && window.has(stamp.number)
            {
                let delay = datagram.arrived.saturating_sub(stamp.sent);
                heard.loopback.note(delay);
            }
            Ok(())
        })
    }
}

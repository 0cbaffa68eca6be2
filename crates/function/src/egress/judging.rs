//! The one way from a wish to a connection: granted, resolved, looked at, made, and told of.

use std::net::{IpAddr, SocketAddr};

use brigandine_model::Passage;
use tokio::time::timeout;

use super::{EgressServer, Made, Permit, Reach, Request, Wish, nearness, policy};

/// Why a connection is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The host is no host.
    NoHost,
    NotGranted,
    /// None of its addresses is within reach.
    PrivateAddress,
    Unresolved,
    Unreachable,
}

impl Refused {
    /// The word for the record; nothing where nobody refused.
    pub(super) fn word(self) -> Option<&'static str> {
        match self {
            Self::NoHost => Some("no-name"),
            Self::NotGranted => Some("not-granted"),
            Self::PrivateAddress => Some("private-address"),
            Self::Unresolved => Some("unresolved"),
            Self::Unreachable => None,
        }
    }
}

impl EgressServer {
    /// Makes a connection if it may be made.
    pub(super) async fn reach(&self, host: &str, port: u16, request: Option<Request<'_>>) -> Result<Made, Refused> {
        let outcome = self.judged(host, port, request).await;
        match &outcome {
            Ok((_, true)) => self.told.tell((host, port), Passage::Passed, "granted"),
            Ok((_, false)) => self.told.tell((host, port), Passage::Observed, "not-granted"),
            Err(refused) => {
                if let Some(word) = refused.word() {
                    self.told.tell((host, port), Passage::Refused, word);
                }
            }
        }
        outcome.map(|(made, _)| made)
    }

    async fn judged(&self, host: &str, port: u16, request: Option<Request<'_>>) -> Result<(Made, bool), Refused> {
        let host = policy::host(host).ok_or(Refused::NoHost)?;
        let granted = self.egress.judge(&Wish { function: &self.function, host: &host, port, request });
        let permit = match granted {
            Some(permit) => permit,
            // What only passes because the guard observes need not prove its name.
            None if self.settings.observe => Permit { reach: Reach::Here, named: false },
            None => return Err(Refused::NotGranted),
        };
        let addresses = self.addresses(&host, port, permit.reach).await?;
        let stream = self.connect(&addresses).await?;
        Ok((Made { stream, names_itself: permit.named && request.is_none() }, granted.is_some()))
    }

    /// The addresses of a host that are within reach.
    async fn addresses(&self, host: &str, port: u16, reach: Reach) -> Result<Vec<SocketAddr>, Refused> {
        let found = match host.parse::<IpAddr>() {
            Ok(address) => vec![address],
            Err(_) => match timeout(self.settings.patience, self.resolver.resolve(host.to_owned())).await {
                Ok(Ok(found)) if !found.is_empty() => found,
                _ => return Err(Refused::Unresolved),
            },
        };
        let within: Vec<SocketAddr> = found
            .into_iter()
            .map(|address| address.to_canonical())
            .filter(|address| nearness::of(*address).is_within(reach))
            .map(|address| SocketAddr::new(address, port))
            .collect();
        if within.is_empty() { Err(Refused::PrivateAddress) } else { Ok(within) }
    }
}

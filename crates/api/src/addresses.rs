//! Where a request comes from: the peer of the connection, or whom a trusted proxy says it came from. Nobody else is
//! believed.

use std::net::IpAddr;

use actix_web::dev::ServiceRequest;
use eureka_domain::network::masked;

pub use eureka_domain::network::{Network, NotANetwork};

/// The proxies that are believed, and where they say from whom a request came.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    /// Their networks; none by default.
    pub trusted: Vec<Network>,
    /// The header they write.
    pub header: ForwardedBy,
}

/// The header in which proxies say from whom a request came. Only the one that is named is read: a proxy that writes the
/// one passes on what a client wrote into the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ForwardedBy {
    /// `X-Forwarded-For`.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

impl Proxies {
    /// Where a request comes from.
    pub(crate) fn client(&self, req: &ServiceRequest) -> IpAddr {
        let peer = req.peer_addr().map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.ip().to_canonical());
        let name = match self.header {
            ForwardedBy::XForwardedFor => "x-forwarded-for",
            ForwardedBy::Forwarded => "forwarded",
        };
        let said: Vec<&str> = req.headers().get_all(name).filter_map(|value| value.to_str().ok()).collect();
        self.behind(peer, &said.join(","))
    }

    /// Goes back from proxy to proxy, as long as they are trusted, to the first that is not: what stands before that was
    /// written by who knows whom.
    fn behind(&self, peer: IpAddr, said: &str) -> IpAddr {
        let mut at = peer;
        for hop in said.rsplit(',') {
            if !self.trusted.iter().any(|network| network.contains(at)) {
                return at;
            }
            match self.hop(hop.trim()) {
                Some(before) => at = before,
                None => return at,
            }
        }
        at
    }

    fn hop(&self, text: &str) -> Option<IpAddr> {
        let text = match self.header {
            ForwardedBy::XForwardedFor => text,
            ForwardedBy::Forwarded => text.split(';').find_map(|pair| {
                let (name, value) = pair.trim().split_once('=')?;
                name.eq_ignore_ascii_case("for").then(|| value.trim().trim_matches('"'))
            })?,
        };
        let bare = match text.strip_prefix('[') {
            Some(rest) => rest.split(']').next()?,
            None if text.matches(':').count() == 1 => text.split(':').next()?,
            None => text,
        };
        bare.parse::<IpAddr>().ok().map(|address| address.to_canonical())
    }
}

/// What an address is counted by: an IPv6 one by its /64, of which anybody has as many addresses as they like.
pub(crate) fn prefix(address: IpAddr) -> IpAddr {
    if address.is_ipv6() { masked(address, 64) } else { address }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed_and_only_about_its_own_client() {
        let trusting =
            |header| Proxies { trusted: vec!["10.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()], header };
        let xff = trusting(ForwardedBy::XForwardedFor);
        for (peer, said, client) in [
            ("203.0.113.9", "1.2.3.4", "203.0.113.9"),
            ("10.0.0.1", "", "10.0.0.1"),
            ("10.0.0.1", "1.2.3.4", "1.2.3.4"),
            ("10.0.0.1", "6.6.6.6, 1.2.3.4", "1.2.3.4"),
            ("10.0.0.1", "6.6.6.6, 1.2.3.4, 10.9.9.9", "1.2.3.4"),
            ("10.0.0.1", "6.6.6.6, nonsense", "10.0.0.1"),
            ("10.0.0.1", "1.2.3.4:5678", "1.2.3.4"),
            ("::1", "[2001:db8::1]:443", "2001:db8::1"),
            ("::1", "2001:db8::1", "2001:db8::1"),
        ] {
            assert_eq!(xff.behind(ip(peer), said), ip(client), "{peer} {said}");
        }
        let forwarded = trusting(ForwardedBy::Forwarded);
        assert_eq!(
            forwarded.behind(ip("10.0.0.1"), "for=6.6.6.6, for=\"[2001:db8::7]:1\";proto=https"),
            ip("2001:db8::7")
        );
        assert_eq!(forwarded.behind(ip("10.0.0.1"), "for=_hidden"), ip("10.0.0.1"));
        assert_eq!(Proxies::default().behind(ip("127.0.0.1"), "1.2.3.4"), ip("127.0.0.1"));
    }

    #[test]
    fn an_ipv6_client_is_counted_by_its_64() {
        assert_eq!(prefix(ip("2001:db8:1:2:3:4:5:6")), ip("2001:db8:1:2::"));
        assert_eq!(prefix(ip("192.0.2.7")), ip("192.0.2.7"));
    }
}

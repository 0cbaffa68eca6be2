//! API keys of usage plans. Only digests are kept: a key is 256 random bits, so a plain hash suffices.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use brigandine_model::{Api, Guard, LogicalId, Period, Quota, Refusal};
use jiff::{
    Span, Timestamp,
    civil::{Date, Time},
    tz::Offset,
};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{
    Error, KeyScope,
    guard::rate::too_many,
    rate::{BucketKey, Pace, Rates, nanoseconds},
    visit::refuse,
};

/// Marks development keys, for scanners of leaked secrets.
pub const DEVELOPMENT_KEY_PREFIX: &str = "bdk_";

/// An API key, without the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Names it in events.
    pub id: Arc<str>,
    /// SHA-256 of the key.
    pub digest: [u8; 32],
    /// What it is good for.
    pub scope: KeyScope,
    /// Whether it is for development, on loopback addresses only.
    pub development: bool,
}

impl ApiKey {
    /// The key with this text.
    pub fn new(id: impl Into<Arc<str>>, scope: KeyScope, key: &str) -> Self {
        Self { id: id.into(), digest: Sha256::digest(key.as_bytes()).into(), scope, development: false }
    }

    /// A new development key, and its text to be shown once.
    pub fn development(id: impl Into<Arc<str>>, scope: KeyScope) -> Result<(Self, String), Error> {
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(|error| Error::Setting { name: "api_keys", reason: error.to_string() })?;
        let text = format!("{DEVELOPMENT_KEY_PREFIX}{}", URL_SAFE_NO_PAD.encode(random));
        Ok((Self { development: true, ..Self::new(id, scope, &text) }, text))
    }
}

/// All keys, and what they used up.
pub(crate) struct KeyRing {
    keys: Vec<ApiKey>,
    used: Arc<Used>,
}

/// Requests in the current period, by plan and key: as many entries as keys.
type Used = Mutex<HashMap<(LogicalId, Arc<str>), (Date, u64)>>;

/// The keys that one API accepts.
pub(crate) struct Ring {
    grants: Vec<Grant>,
    used: Arc<Used>,
}

impl std::fmt::Debug for Ring {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Ring").field("keys", &self.grants.len()).finish_non_exhaustive()
    }
}

struct Grant {
    key: ApiKey,
    plan: Option<LogicalId>,
    pace: Option<Pace>,
    quota: Option<Quota>,
    scope: u64,
}

impl KeyRing {
    pub(crate) fn new(keys: &[ApiKey]) -> Self {
        Self { keys: keys.to_vec(), used: Arc::default() }
    }

    /// The keys that are good for this API.
    pub(crate) fn ring(&self, api: &Api) -> Arc<Ring> {
        let grants = self.keys.iter().filter_map(|key| Grant::of(key, api)).collect();
        Arc::new(Ring { grants, used: self.used.clone() })
    }
}

impl Grant {
    fn of(key: &ApiKey, api: &Api) -> Option<Self> {
        let plan = match &key.scope {
            KeyScope::Api(id) if *id == api.id => None,
            KeyScope::Api(_) => return None,
            KeyScope::Plan(id) => Some(api.usage_plans.iter().find(|plan| plan.id == *id)?),
        };
        let mut hasher = DefaultHasher::new();
        ("api key", plan.map(|plan| &plan.id), &key.id).hash(&mut hasher);
        Some(Self {
            key: key.clone(),
            plan: plan.map(|plan| plan.id.clone()),
            pace: plan.and_then(|plan| plan.throttle.as_ref()?.value.known().copied()).map(Pace::from),
            quota: plan.and_then(|plan| plan.quota.as_ref()?.value.known().copied()),
            scope: hasher.finish().max(1),
        })
    }
}

/// The moment a key is used, and the table its rate is kept in.
pub(crate) struct Use<'a> {
    pub(crate) rates: &'a Rates,
    pub(crate) steady: Duration,
    pub(crate) wall: Timestamp,
}

impl Ring {
    /// The id of the key presented, with the place to charge its use to.
    ///
    /// Every digest is compared in full, so that the time taken tells nothing.
    pub(crate) fn find(&self, presented: &[u8]) -> Option<(Arc<str>, usize)> {
        let digest: [u8; 32] = Sha256::digest(presented).into();
        let mut found = None;
        for (place, grant) in self.grants.iter().enumerate() {
            if bool::from(grant.key.digest.ct_eq(&digest)) {
                found = Some((grant.key.id.clone(), place));
            }
        }
        found
    }

    /// Charges one request to the key at `place`.
    pub(crate) fn charge(&self, place: usize, moment: &Use<'_>) -> Result<(), Refusal> {
        let Some(grant) = self.grants.get(place) else { return Ok(()) };
        if let Some(pace) = grant.pace {
            let key = BucketKey { who: u128::MAX, scope: grant.scope };
            moment
                .rates
                .take(key, pace, nanoseconds(moment.steady))
                .map_err(|wait| too_many("plan-rate", "too many requests with this API key", wait))?;
        }
        match (&grant.quota, &grant.plan) {
            (Some(quota), Some(plan)) => self.count(grant, plan, *quota, moment.wall),
            _ => Ok(()),
        }
    }

    fn count(&self, grant: &Grant, plan: &LogicalId, quota: Quota, now: Timestamp) -> Result<(), Refusal> {
        let (begins, ends) = period(quota.period, now);
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let count = used.entry((plan.clone(), grant.key.id.clone())).or_insert((begins, 0));
        if count.0 != begins {
            *count = (begins, 0);
        }
        if count.1 >= quota.limit {
            let wait = u32::try_from(ends.duration_since(now).as_secs()).unwrap_or(u32::MAX).max(1);
            let refusal = refuse(Guard::Rate, 429, "plan-quota", "the quota of this API key is used up");
            return Err(Refusal { retry_after: Some(wait), ..refusal });
        }
        count.1 += 1;
        Ok(())
    }
}

/// First day of the period that holds `now`, and its end. Weeks begin on Sunday; all of it is UTC.
fn period(period: Period, now: Timestamp) -> (Date, Timestamp) {
    let today = Offset::UTC.to_datetime(now).date();
    let (begins, length) = match period {
        Period::Day => (today, Span::new().days(1)),
        Period::Week => {
            let since_sunday = today.weekday().to_sunday_zero_offset();
            (today.saturating_sub(Span::new().days(since_sunday)), Span::new().days(7))
        }
        Period::Month => (today.first_of_month(), Span::new().months(1)),
    };
    let ends = begins.saturating_add(length).to_datetime(Time::midnight());
    (begins, Offset::UTC.to_timestamp(ends).unwrap_or(Timestamp::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(kind: Period, now: &str) -> (String, String) {
        let (begins, ends) = period(kind, now.parse().unwrap());
        (begins.to_string(), ends.to_string())
    }

    #[test]
    fn periods_begin_and_end_with_days() {
        let now = "2026-02-28T23:59:59Z";
        let pair = |begins: &str, ends: &str| (begins.to_owned(), ends.to_owned());
        assert_eq!(bounds(Period::Day, now), pair("2026-02-28", "2026-03-01T00:00:00Z"));
        assert_eq!(bounds(Period::Week, now), pair("2026-02-22", "2026-03-01T00:00:00Z"));
        assert_eq!(bounds(Period::Month, now), pair("2026-02-01", "2026-03-01T00:00:00Z"));
    }

    #[test]
    fn keys_are_kept_as_digests_only() {
        let (key, text) = ApiKey::development("Gold", KeyScope::Plan(LogicalId::new("Gold"))).unwrap();
        assert!(text.starts_with(DEVELOPMENT_KEY_PREFIX) && text.len() > 40 && key.development);
        assert!(!format!("{key:?}").contains(&text));
        assert_eq!(key.digest, ApiKey::new("Gold", key.scope.clone(), &text).digest);
    }
}

//! Signed tokens: keys with one algorithm each, and signatures verified with them and nothing else.
//!
//! The algorithm belongs to the key (RFC 8725, 3.1). The header may only agree with it. Nothing in the header is
//! followed: no `jku`, `jwk`, `x5u`, `x5c`.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey,
    crypto::{CryptoProvider, aws_lc::DEFAULT_PROVIDER},
};
use serde::{Deserialize, Deserializer, de::IgnoredAny};

/// Longest token that is looked at, bytes.
pub const LONGEST_TOKEN: usize = 16 * 1024;

/// Longest key set that is read, bytes.
pub const LONGEST_KEY_SET: usize = 256 * 1024;

/// Most keys in a set.
const MOST_KEYS: usize = 100;

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// Not a key as the standards write it.
    #[error("it is not a well-formed key")]
    Malformed,
    /// For something else than verifying signatures.
    #[error("it is not meant for verifying signatures")]
    OtherUse,
    /// A kind, curve or algorithm that is not supported, or that do not belong together.
    #[error("its kind, curve and algorithm are not supported or do not belong together")]
    Unsupported,
    /// Too short, a broken exponent, or from a generator known to be broken.
    #[error("it is too weak")]
    Weak,
    /// A shared secret where only public keys may be.
    #[error("it is a shared secret, and a key set is public")]
    Secret,
}

/// Why a key set cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetFault {
    /// Not a key set as the standards write it, or too large.
    #[error("it is not a well-formed key set of at most 100 keys and 256 KiB")]
    Malformed,
    /// A shared secret among the keys.
    #[error("it holds a shared secret, and a key set is public")]
    Secret,
    /// Two keys with one id.
    #[error("it holds two keys with the same id")]
    Twins,
    /// Nothing in it can verify a signature.
    #[error("none of its keys can verify a signature")]
    Empty,
}

/// Why a signature does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    /// Not a token as the standards write it.
    #[error("it is not a well-formed token")]
    Malformed,
    /// Another algorithm than the key's.
    #[error("its algorithm is not the key's")]
    Algorithm,
    /// An extension that must be understood and is not (`crit`, `b64`).
    #[error("it demands an extension that is not supported")]
    Extension,
    /// A type that is no access token.
    #[error("it is not an access token")]
    Type,
    /// The signature does not fit.
    #[error("its signature does not fit")]
    Signature,
}

/// Whether shared secrets count as keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// They do: the key comes from someone who shares it with nobody else.
    Accepted,
    /// They do not: the key comes from a public set.
    Refused,
}

/// A key that verifies signatures of one algorithm.
#[derive(Clone, Debug)]
pub struct VerifyingKey {
    id: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

/// Keys of one issuer.
#[derive(Clone, Debug)]
pub struct KeySet {
    keys: Vec<VerifyingKey>,
}

/// A token's head, body and signature, decoded but not verified.
#[derive(Debug)]
pub struct Parts<'a> {
    header: Header,
    signed: &'a str,
    signature: &'a str,
    /// The body's bytes. Nothing in them counts before [`Parts::verify`].
    payload: Vec<u8>,
}

#[derive(Debug, Deserialize)]
struct Jwk {
    kty: String,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    kid: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    k: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    #[serde(default, deserialize_with = "present")]
    crit: bool,
    #[serde(default, deserialize_with = "present")]
    b64: bool,
}

/// Whatever stands there, `null` included: it stands there.
fn present<'de, D: Deserializer<'de>>(input: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(input).map(|_| true)
}

impl VerifyingKey {
    /// Reads one JSON Web Key.
    pub fn from_jwk(json: &str, secrets: Secrets) -> Result<Self, KeyFault> {
        let jwk: Jwk = serde_json::from_str(json).map_err(|_| KeyFault::Malformed)?;
        Self::from_parsed(&jwk, secrets)
    }

    fn from_parsed(jwk: &Jwk, secrets: Secrets) -> Result<Self, KeyFault> {
        if jwk.kty == "oct" && secrets == Secrets::Refused {
            return Err(KeyFault::Secret);
        }
        let verifies = |operations: &Vec<String>| operations.iter().any(|operation| operation == "verify");
        if jwk.usage.as_deref().is_some_and(|usage| usage != "sig") || !jwk.key_ops.as_ref().is_none_or(verifies) {
            return Err(KeyFault::OtherUse);
        }
        let (algorithm, key) = match jwk.kty.as_str() {
            "RSA" => rsa(jwk)?,
            "EC" => elliptic(jwk)?,
            "OKP" => edwards(jwk)?,
            "oct" => shared(jwk)?,
            _ => return Err(KeyFault::Unsupported),
        };
        Ok(Self { id: jwk.kid.clone(), algorithm, key })
    }

    /// Its id, where it has one.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }
}

fn decoded(field: Option<&String>) -> Result<Vec<u8>, KeyFault> {
    URL_SAFE_NO_PAD.decode(field.ok_or(KeyFault::Malformed)?).map_err(|_| KeyFault::Malformed)
}

fn rsa(jwk: &Jwk) -> Result<(Algorithm, DecodingKey), KeyFault> {
    let algorithm = match jwk.alg.as_deref() {
        // What nearly every issuer signs with and some do not say.
        None | Some("RS256") => Algorithm::RS256,
        Some("RS384") => Algorithm::RS384,
        Some("RS512") => Algorithm::RS512,
        Some("PS256") => Algorithm::PS256,
        Some("PS384") => Algorithm::PS384,
        Some("PS512") => Algorithm::PS512,
        Some(_) => return Err(KeyFault::Unsupported),
    };
    let modulus: Vec<u8> = decoded(jwk.n.as_ref())?.into_iter().skip_while(|byte| *byte == 0).collect();
    let exponent: Vec<u8> = decoded(jwk.e.as_ref())?.into_iter().skip_while(|byte| *byte == 0).collect();
    let bits = modulus.first().map_or(0, |first| modulus.len() * 8 - first.leading_zeros() as usize);
    if bits < 2048 || weak_exponent(&exponent) || predictable(&modulus) {
        return Err(KeyFault::Weak);
    }
    if bits > 8192 {
        return Err(KeyFault::Unsupported);
    }
    Ok((algorithm, DecodingKey::from_rsa_raw_components(&modulus, &exponent)))
}

/// 1 signs nothing, even exponents do not exist, and very long ones only cost time.
fn weak_exponent(exponent: &[u8]) -> bool {
    matches!(exponent, [] | [0..=2]) || exponent.len() > 4 || exponent.last().is_none_or(|last| last % 2 == 0)
}

/// Whether a modulus bears the mark of the generator of CVE-2017-15361: its remainder by each small prime is a power of
/// 65537. Chance alone does that about once in 2^27 times.
fn predictable(modulus: &[u8]) -> bool {
    const PRIMES: [u32; 38] = [
        3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107,
        109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
    ];
    PRIMES.iter().all(|&prime| {
        let remainder = modulus.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        let mut power = 1;
        for _ in 0..prime {
            if power == remainder {
                return true;
            }
            power = power * (65_537 % prime) % prime;
        }
        false
    })
}

fn elliptic(jwk: &Jwk) -> Result<(Algorithm, DecodingKey), KeyFault> {
    let (algorithm, length) = match (jwk.crv.as_deref(), jwk.alg.as_deref()) {
        (Some("P-256"), None | Some("ES256")) => (Algorithm::ES256, 32),
        (Some("P-384"), None | Some("ES384")) => (Algorithm::ES384, 48),
        _ => return Err(KeyFault::Unsupported),
    };
    let (x, y) = (decoded(jwk.x.as_ref())?, decoded(jwk.y.as_ref())?);
    if x.len() != length || y.len() != length {
        return Err(KeyFault::Malformed);
    }
    let point = [&[4], x.as_slice(), y.as_slice()].concat();
    Ok((algorithm, DecodingKey::from_ec_der(&point)))
}

fn edwards(jwk: &Jwk) -> Result<(Algorithm, DecodingKey), KeyFault> {
    let supported = jwk.crv.as_deref() == Some("Ed25519") && matches!(jwk.alg.as_deref(), None | Some("EdDSA"));
    if !supported {
        return Err(KeyFault::Unsupported);
    }
    let point = decoded(jwk.x.as_ref())?;
    if point.len() != 32 {
        return Err(KeyFault::Malformed);
    }
    Ok((Algorithm::EdDSA, DecodingKey::from_ed_der(&point)))
}

fn shared(jwk: &Jwk) -> Result<(Algorithm, DecodingKey), KeyFault> {
    let (algorithm, least) = match jwk.alg.as_deref() {
        Some("HS256") => (Algorithm::HS256, 32),
        Some("HS384") => (Algorithm::HS384, 48),
        Some("HS512") => (Algorithm::HS512, 64),
        _ => return Err(KeyFault::Unsupported),
    };
    let secret = decoded(jwk.k.as_ref())?;
    // RFC 7518, 3.2: as long as the hash at least.
    if secret.len() < least {
        return Err(KeyFault::Weak);
    }
    Ok((algorithm, DecodingKey::from_secret(&secret)))
}

impl KeySet {
    /// Reads a public JSON Web Key Set. Keys for other uses and keys that cannot be used are left out; a set that
    /// cannot be trusted as a whole is refused.
    pub fn from_json(json: &[u8]) -> Result<Self, SetFault> {
        #[derive(Deserialize)]
        struct Document {
            keys: Vec<serde_json::Value>,
        }
        if json.len() > LONGEST_KEY_SET {
            return Err(SetFault::Malformed);
        }
        let document: Document = serde_json::from_slice(json).map_err(|_| SetFault::Malformed)?;
        if document.keys.len() > MOST_KEYS {
            return Err(SetFault::Malformed);
        }
        let mut keys: Vec<VerifyingKey> = Vec::new();
        for value in document.keys {
            match VerifyingKey::from_jwk(&value.to_string(), Secrets::Refused) {
                Ok(key) if keys.iter().any(|other| other.id == key.id) => return Err(SetFault::Twins),
                Ok(key) => keys.push(key),
                Err(KeyFault::Secret) => return Err(SetFault::Secret),
                Err(_) => {}
            }
        }
        if keys.is_empty() { Err(SetFault::Empty) } else { Ok(Self { keys }) }
    }

    /// The key with this id; without an id, the only key there is.
    pub fn key(&self, id: Option<&str>) -> Option<&VerifyingKey> {
        match (id, self.keys.as_slice()) {
            (None, [only]) => Some(only),
            (None, _) => None,
            (Some(_), keys) => keys.iter().find(|key| key.id() == id),
        }
    }
}

impl<'a> Parts<'a> {
    /// Takes a token in compact form apart.
    pub fn of(token: &'a str) -> Result<Self, SignatureFault> {
        let fault = SignatureFault::Malformed;
        if token.len() > LONGEST_TOKEN {
            return Err(fault);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(fault)?;
        let (head, body) = signed.split_once('.').ok_or(fault)?;
        if body.contains('.') {
            return Err(fault);
        }
        let head = URL_SAFE_NO_PAD.decode(head).map_err(|_| fault)?;
        let payload = URL_SAFE_NO_PAD.decode(body).map_err(|_| fault)?;
        let header: Header = serde_json::from_slice(&head).map_err(|_| fault)?;
        Ok(Self { header, signed, signature, payload })
    }

    /// The id of the key it claims to be signed with.
    pub fn key_id(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    /// Refuses types that are no access tokens: signed log-outs, events and proofs are tokens too (RFC 8725, 3.11).
    pub fn access_token_type(&self) -> Result<(), SignatureFault> {
        let Some(name) = &self.header.typ else { return Ok(()) };
        let name = name.to_ascii_lowercase();
        let name = name.strip_prefix("application/").unwrap_or(&name);
        if matches!(name, "jwt" | "at+jwt") { Ok(()) } else { Err(SignatureFault::Type) }
    }

    /// The body's bytes, once the signature fits.
    pub fn verify(self, key: &VerifyingKey) -> Result<Vec<u8>, SignatureFault> {
        if self.header.crit || self.header.b64 {
            return Err(SignatureFault::Extension);
        }
        if self.header.alg != name_of(key.algorithm) {
            return Err(SignatureFault::Algorithm);
        }
        let signature = URL_SAFE_NO_PAD.decode(self.signature).map_err(|_| SignatureFault::Malformed)?;
        let provider: &CryptoProvider = &DEFAULT_PROVIDER;
        let verifier = (provider.verifier_factory)(&key.algorithm, &key.key).map_err(|_| SignatureFault::Algorithm)?;
        verifier.verify(self.signed.as_bytes(), &signature).map_err(|_| SignatureFault::Signature)?;
        Ok(self.payload)
    }
}

fn name_of(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::HS256 => "HS256",
        Algorithm::HS384 => "HS384",
        Algorithm::HS512 => "HS512",
        Algorithm::ES256 => "ES256",
        Algorithm::ES384 => "ES384",
        Algorithm::RS256 => "RS256",
        Algorithm::RS384 => "RS384",
        Algorithm::RS512 => "RS512",
        Algorithm::PS256 => "PS256",
        Algorithm::PS384 => "PS384",
        Algorithm::PS512 => "PS512",
        Algorithm::EdDSA => "EdDSA",
        // Keys are only ever made for the algorithms above; no header says nothing.
        _ => "",
    }
}

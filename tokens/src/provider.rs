//! Signatures by `ring`, which TLS brings along anyway, for the library that reads tokens.

use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind,
    crypto::{CryptoProvider, JwtVerifier, KeyUtils},
    errors::{Error, ErrorKind},
    signature::{Error as Wrong, Verifier},
};
use ring::signature::{
    self, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};

/// Makes the library able to verify, unless the program has chosen a provider of its own before.
pub(crate) fn install() {
    // An error means that there is one.
    let _ = PROVIDER.install_default();
}

/// Verifies; what needs private keys or makes them is an error.
static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| Err(unsupported()),
    verifier_factory: |algorithm, key| {
        if algorithm.family() != key.family() || key.family() == AlgorithmFamily::Hmac {
            return Err(Error::from(ErrorKind::InvalidAlgorithm));
        }
        Ok(Box::new(Ring { algorithm: *algorithm, key: key.clone() }))
    },
    key_utils: KeyUtils {
        rsa_pub_components_from_private_key: |_| Err(unsupported()),
        rsa_pub_components_from_public_key: |_| Err(unsupported()),
        ec_pub_components_from_private_key: |_, _| Err(unsupported()),
        ed_pub_components_from_private_key: |_, _| Err(unsupported()),
        compute_digest: |_, _| Err(unsupported()),
    },
};

fn unsupported() -> Error {
    ErrorKind::UnsupportedAlgorithm.into()
}

struct Ring {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl JwtVerifier for Ring {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl Verifier<Vec<u8>> for Ring {
    fn verify(&self, message: &[u8], signed: &Vec<u8>) -> Result<(), Wrong> {
        match self.algorithm {
            Algorithm::RS256 => self.rsa(&signature::RSA_PKCS1_2048_8192_SHA256, message, signed),
            Algorithm::RS384 => self.rsa(&signature::RSA_PKCS1_2048_8192_SHA384, message, signed),
            Algorithm::RS512 => self.rsa(&signature::RSA_PKCS1_2048_8192_SHA512, message, signed),
            Algorithm::PS256 => self.rsa(&signature::RSA_PSS_2048_8192_SHA256, message, signed),
            Algorithm::PS384 => self.rsa(&signature::RSA_PSS_2048_8192_SHA384, message, signed),
            Algorithm::PS512 => self.rsa(&signature::RSA_PSS_2048_8192_SHA512, message, signed),
            Algorithm::ES256 => self.curve(&signature::ECDSA_P256_SHA256_FIXED, message, signed),
            Algorithm::ES384 => self.curve(&signature::ECDSA_P384_SHA384_FIXED, message, signed),
            Algorithm::EdDSA => self.curve(&signature::ED25519, message, signed),
            // Shared secrets, and whatever the library learns after this was written.
            _ => Err(Wrong::new()),
        }
    }
}

impl Ring {
    fn rsa(&self, parameters: &RsaParameters, message: &[u8], signed: &[u8]) -> Result<(), Wrong> {
        let DecodingKeyKind::RsaModulusExponent { n, e } = self.key.kind() else { return Err(Wrong::new()) };
        RsaPublicKeyComponents { n, e }.verify(parameters, message, signed).map_err(|_| Wrong::new())
    }

    fn curve(
        &self,
        algorithm: &'static dyn VerificationAlgorithm,
        message: &[u8],
        signed: &[u8],
    ) -> Result<(), Wrong> {
        let key = self.key.try_get_as_bytes().map_err(|_| Wrong::new())?;
        UnparsedPublicKey::new(algorithm, key).verify(message, signed).map_err(|_| Wrong::new())
    }
}

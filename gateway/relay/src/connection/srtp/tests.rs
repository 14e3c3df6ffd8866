//! Against the test vectors of the RFCs, and both ends against each other.

use super::*;

fn bytes(digits: &str) -> Vec<u8> {
    hex::decode(digits.split_whitespace().collect::<String>()).unwrap()
}

/// RFC 3711 appendix B.3.
#[test]
fn session_keys_are_derived_as_in_the_book() {
    let master = Master {
        key: &bytes("E1F97A0D3E018BE0D64FA32C06DE4139"),
        salt: &bytes("0EC675AD498AFEEBB6960B3AABE6"),
    };
    let mut key = [0; 16];
    master.derive(ENCRYPTION, &mut key).unwrap();
    assert_eq!(key[..], bytes("C61E7A93744F39EE10734AFE3FF7A087"));
    let mut salt = [0; 14];
    master.derive(SALTING, &mut salt).unwrap();
    assert_eq!(salt[..], bytes("30CBBC08863D8C85D49DB34A9AE1"));
    let mut authentication = [0; 20];
    master.derive(AUTHENTICATION, &mut authentication).unwrap();
    let wanted = bytes("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4");
    assert_eq!(authentication[..], wanted);
}

/// RFC 7714 section 16.1.1.
#[test]
fn a_packet_is_sealed_as_in_the_book() {
    let key: Vec<u8> = (0..16).collect();
    let salt = bytes("517569642070726f2071756f").try_into().unwrap();
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).unwrap());
    let mut srtp = Srtp {
        rtp: Cipher::Gcm { key, salt },
        rtcp: any_cipher(),
        indexes: Indexes::default(),
        reports: 0,
        theirs: any_cipher(),
        seen: Seen::default(),
    };
    let mut packet = bytes(
        "8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976
         69736120 696e2070 61727465 73207472 6573",
    );
    packet.resize(packet.len() + srtp.overhead(), 0);
    srtp.protect_rtp(&mut packet, 12, 0x5501_a0b2, 0xf17b)
        .unwrap();
    let wanted = bytes(
        "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5
         0d294e6f 42a5f47a 51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439
         0cce",
    );
    assert_eq!(packet, wanted);
}

fn any_cipher() -> Cipher {
    let (key, salt) = (&[0; 16], &[0; 14]);
    Master { key, salt }.counter(0).unwrap()
}

#[test]
fn what_is_too_short_is_refused() {
    let mut srtp = Srtp {
        rtp: any_cipher(),
        rtcp: any_cipher(),
        indexes: Indexes::default(),
        reports: 0,
        theirs: any_cipher(),
        seen: Seen::default(),
    };
    assert!(srtp.protect_rtp(&mut [0; 20], 12, 1, 1).is_err());
    assert!(srtp.protect_rtp(&mut [0; 8], 12, 1, 1).is_err());
    assert!(srtp.protect_rtcp(vec![0; 7], 1).is_err());
    let cut_off = Keys {
        material: vec![0; 31],
        profile: SrtpProfile::AEAD_AES_128_GCM,
        is_client: true,
    };
    assert!(Srtp::new(&cut_off).is_none());
}

/// Both ends of a session.
fn ends(profile: SrtpProfile) -> [Srtp; 2] {
    [true, false].map(|is_client| {
        let keys = Keys {
            material: (0..92).collect(),
            profile,
            is_client,
        };
        Srtp::new(&keys).unwrap()
    })
}

#[test]
fn what_one_end_reports_the_other_reads_once() {
    for profile in [
        SrtpProfile::AEAD_AES_128_GCM,
        SrtpProfile::AEAD_AES_256_GCM,
        SrtpProfile::AES128_CM_SHA1_80,
    ] {
        let [mut client, mut server] = ends(profile);
        let report = vec![0x80; 24];
        let mut report_again = || client.protect_rtcp(report.clone(), 0x8080_8080).unwrap();
        let sent = [report_again(), report_again(), report_again()];
        let mut plain = Vec::new();
        for number in [0, 2, 1] {
            server.unprotect_rtcp(&sent[number], &mut plain).unwrap();
            assert_eq!(plain, report, "{profile:?}");
            let again = server.unprotect_rtcp(&sent[number], &mut plain);
            assert!(again.is_err(), "{profile:?}");
        }
        let mut forged = client.protect_rtcp(vec![0x80; 24], 0x8080_8080).unwrap();
        forged[9] ^= 1;
        assert!(server.unprotect_rtcp(&forged, &mut plain).is_err());
        for length in 0..forged.len() {
            assert!(
                server
                    .unprotect_rtcp(&forged[..length], &mut plain)
                    .is_err()
            );
        }
    }
}

/// RFC 3711 section 9.1, RFC 7714 section 9.1.
#[test]
fn no_index_is_encrypted_twice_under_one_key() {
    let [mut client, _] = ends(SrtpProfile::AEAD_AES_128_GCM);
    let mut protect = |source, index| {
        let mut packet = vec![0; 12 + 8 + GCM_TAG];
        client.protect_rtp(&mut packet, 12, source, index)
    };
    assert!(protect(1, 70_000).is_ok());
    assert!(protect(1, 70_000).is_err());
    assert!(protect(1, 69_999).is_ok(), "came late");
    assert!(protect(2, 70_000).is_ok(), "another source");
    client.reports = IS_ENCRYPTED;
    assert!(client.protect_rtcp(vec![0x80; 24], 1).is_err());
}

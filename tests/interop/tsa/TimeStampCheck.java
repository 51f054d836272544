import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.InputStreamReader;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.Security;
import java.security.cert.CertPath;
import java.security.cert.CertPathValidator;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.Collection;
import java.util.Date;
import java.util.List;
import java.util.Set;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.ASN1Primitive;
import org.bouncycastle.asn1.ess.ESSCertIDv2;
import org.bouncycastle.asn1.ess.SigningCertificateV2;
import org.bouncycastle.asn1.cms.Attribute;
import org.bouncycastle.asn1.cms.AttributeTable;
import org.bouncycastle.asn1.nist.NISTObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.tsp.GenTimeAccuracy;
import org.bouncycastle.tsp.TimeStampRequest;
import org.bouncycastle.tsp.TimeStampResponse;
import org.bouncycastle.tsp.TimeStampToken;
import org.bouncycastle.tsp.TimeStampTokenInfo;

/**
 * Reads time stamps as BouncyCastle does, and holds them to RFC 3161, RFC 5816 and EN 319 422.
 *
 * Usage: TimeStampCheck CA CERTIFICATE POLICY ACCURACY_MS, in DER files; on standard input one pair a line, the paths of a
 * request and of its response with a tab between. Prints a line for each: "ok SERIAL" or "bad: why". CERTIFICATE is the
 * unit's, for tokens that do not carry it.
 */
public final class TimeStampCheck {
    private static X509CertificateHolder unit;
    private static X509Certificate anchor;
    private static String policy;
    private static int accuracyMillis;

    private static void require(boolean holds, String what) {
        if (!holds) throw new IllegalStateException(what);
    }

    private static byte[] read(String path) throws Exception {
        return Files.readAllBytes(Path.of(path));
    }

    public static void main(String[] arguments) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        CertificateFactory factory = CertificateFactory.getInstance("X.509", "BC");
        try (FileInputStream in = new FileInputStream(arguments[0])) {
            anchor = (X509Certificate) factory.generateCertificate(in);
        }
        unit = new X509CertificateHolder(read(arguments[1]));
        policy = arguments[2];
        accuracyMillis = Integer.parseInt(arguments[3]);
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] pair = line.split("\t");
            String said;
            try {
                said = "ok " + check(read(pair[0]), read(pair[1])).toString(16);
            } catch (Exception failure) {
                said = "bad: " + failure.getClass().getSimpleName() + ": " + failure.getMessage();
            }
            System.out.println(said.replace('\n', ' '));
        }
    }

    private static BigInteger check(byte[] query, byte[] reply) throws Exception {
        require(Arrays.equals(reply, ASN1Primitive.fromByteArray(reply).getEncoded(ASN1Encoding.DER)), "the response is no DER");
        TimeStampRequest request = new TimeStampRequest(query);
        TimeStampResponse response = new TimeStampResponse(reply);
        // RFC 3161 §2.2: imprint, nonce, policy, granted; the signing-certificate attribute.
        response.validate(request);
        require(response.getStatus() == 0, "not granted");
        TimeStampToken token = response.getTimeStampToken();
        TimeStampTokenInfo info = token.getTimeStampInfo();
        checkInfo(request, info);
        X509CertificateHolder signer = checkCertificates(request, token);
        // Signature, content digest, ESSCertID(v2) against the certificate, its validity at genTime, and its purpose.
        token.validate(new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(signer));
        checkEss(token, signer);
        require(token.toCMSSignedData().getSignerInfos().size() == 1, "not one SignerInfo (RFC 3161 §2.4.2)");
        return info.getSerialNumber();
    }

    private static void checkInfo(TimeStampRequest request, TimeStampTokenInfo info) throws Exception {
        require(info.toASN1Structure().getVersion().intValueExact() == 1, "version");
        require(info.getPolicy().getId().equals(policy), "policy " + info.getPolicy());
        require(info.getSerialNumber().signum() > 0 && info.getSerialNumber().bitLength() <= 160, "serial number");
        require(request.getNonce() == null ? info.getNonce() == null : request.getNonce().equals(info.getNonce()), "nonce");
        require(Arrays.equals(request.getMessageImprintDigest(), info.getMessageImprintDigest()), "imprint");
        require(!info.isOrdered(), "ordering");
        require(info.toASN1Structure().getExtensions() == null, "extensions");
        GenTimeAccuracy accuracy = info.getGenTimeAccuracy();
        require(accuracy != null && accuracy.getSeconds() * 1000 + accuracy.getMillis() == accuracyMillis
                && accuracy.getMicros() == 0, "accuracy");
        require(Math.abs(info.getGenTime().getTime() - System.currentTimeMillis()) < 300_000, "genTime");
        X500Name name = X500Name.getInstance(info.getTsa().getName());
        require(info.getTsa().getTagNo() == GeneralName.directoryName && name.equals(unit.getSubject()), "tsa name");
    }

    private static X509CertificateHolder checkCertificates(TimeStampRequest request, TimeStampToken token) throws Exception {
        Collection<X509CertificateHolder> carried = token.getCertificates().getMatches(null);
        require(carried.isEmpty() != request.getCertReq(), "certificates and certReq do not agree (RFC 3161 §2.4.1)");
        X509CertificateHolder signer = unit;
        if (request.getCertReq()) {
            signer = carried.stream().filter(holder -> token.getSID().match(holder)).findFirst().orElse(null);
            require(signer != null, "the signer's certificate is not among those carried");
        }
        require(signer.equals(unit), "another signer than the unit in service");
        Extension usage = signer.getExtension(Extension.extendedKeyUsage);
        KeyPurposeId[] purposes = ExtendedKeyUsage.getInstance(usage.getParsedValue()).getUsages();
        require(usage.isCritical() && purposes.length == 1 && purposes[0].equals(KeyPurposeId.id_kp_timeStamping),
                "extended key usage (RFC 3161 §2.3)");
        CertificateFactory factory = CertificateFactory.getInstance("X.509", "BC");
        CertPath path = factory.generateCertPath(List.of(
                new JcaX509CertificateConverter().setProvider("BC").getCertificate(signer)));
        PKIXParameters parameters = new PKIXParameters(Set.of(new TrustAnchor(anchor, null)));
        parameters.setRevocationEnabled(false);
        parameters.setDate(new Date());
        CertPathValidator.getInstance("PKIX", "BC").validate(path, parameters);
        return signer;
    }

    private static void checkEss(TimeStampToken token, X509CertificateHolder signer) throws Exception {
        AttributeTable attributes = token.getSignedAttributes();
        require(attributes.get(PKCSObjectIdentifiers.id_aa_signingCertificate) == null, "ESSCertID with SHA-1 (RFC 5816)");
        Attribute attribute = attributes.get(PKCSObjectIdentifiers.id_aa_signingCertificateV2);
        require(attribute != null && attribute.getAttrValues().size() == 1, "signing-certificate-v2");
        ESSCertIDv2[] ids = SigningCertificateV2.getInstance(attribute.getAttrValues().getObjectAt(0)).getCerts();
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(signer.getEncoded());
        require(ids[0].getHashAlgorithm().getAlgorithm().equals(NISTObjectIdentifiers.id_sha256)
                && Arrays.equals(digest, ids[0].getCertHash()), "ESSCertIDv2");
        require(ids[0].getIssuerSerial() == null
                || ids[0].getIssuerSerial().getSerial().getValue().equals(signer.getSerialNumber()), "ESSCertIDv2 issuerSerial");
    }
}

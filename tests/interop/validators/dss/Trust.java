import eu.europa.esig.dss.model.x509.CertificateToken;
import eu.europa.esig.dss.service.crl.OnlineCRLSource;
import eu.europa.esig.dss.service.ocsp.OnlineOCSPSource;
import eu.europa.esig.dss.spi.DSSUtils;
import eu.europa.esig.dss.spi.validation.CommonCertificateVerifier;
import eu.europa.esig.dss.spi.x509.CommonTrustedCertificateSource;
import eu.europa.esig.dss.spi.x509.aia.DefaultAIASource;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Whom the validator believes, and whether it may ask for what a document does not hold. */
final class Trust {
    private static final Pattern PEM =
        Pattern.compile("-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----");

    private Trust() {}

    /** @param anchors PEM files, separated by ';' */
    static CommonCertificateVerifier of(String anchors, boolean online) throws java.io.IOException {
        CommonTrustedCertificateSource trusted = new CommonTrustedCertificateSource();
        for (String file : anchors.split(";")) {
            Matcher found = PEM.matcher(Files.readString(Path.of(file), StandardCharsets.US_ASCII));
            while (found.find()) {
                CertificateToken token = DSSUtils.loadCertificate(
                    new ByteArrayInputStream(found.group().getBytes(StandardCharsets.US_ASCII)));
                trusted.addCertificate(token);
            }
        }
        if (trusted.getNumberOfCertificates() == 0) throw new IllegalArgumentException("no trust anchor in " + anchors);
        CommonCertificateVerifier verifier = new CommonCertificateVerifier();
        verifier.setTrustedCertSources(trusted);
        if (online) {
            verifier.setOcspSource(new OnlineOCSPSource(new Loopback("application/ocsp-request")));
            verifier.setCrlSource(new OnlineCRLSource(new Loopback(null)));
            verifier.setAIASource(new DefaultAIASource(new Loopback(null)));
        } else {
            verifier.setOcspSource(null);
            verifier.setCrlSource(null);
            verifier.setAIASource(null);
        }
        return verifier;
    }
}

import eu.europa.esig.dss.jaxb.object.Message;
import eu.europa.esig.dss.model.FileDocument;
import eu.europa.esig.dss.model.policy.ValidationPolicy;
import eu.europa.esig.dss.simplereport.SimpleReport;
import eu.europa.esig.dss.simplereport.jaxb.XmlTimestamp;
import eu.europa.esig.dss.validation.SignedDocumentValidator;
import eu.europa.esig.dss.validation.policy.ValidationPolicyLoader;
import eu.europa.esig.dss.validation.reports.Reports;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The EU's reference validator as a process that stays: one request a line on standard input, one JSON object a line on
 * standard output, until the input ends.
 *
 * Request: DOCUMENT, CONTENT or '-', ANCHORS (PEM files, ';' between), 'online' or 'offline', separated by tabs.
 *
 * The policy is DSS's own, unchanged. Nothing in it asks for a trusted list of the EU: that a signature is qualified is
 * reported beside the indication and does not enter it, so that a private CA among the anchors can reach TOTAL-PASSED.
 * What the policy fails on besides: SHA-1, RSA below 1900 bits, elliptic curves below 256, revocation data that are
 * absent, older than the best signature time or not of their issuer, pages added behind a signature.
 */
public final class Validate {
    private Validate() {}

    public static void main(String[] arguments) throws Exception {
        PrintStream answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        System.setOut(System.err); // libraries may speak: not among the answers
        ValidationPolicy policy = ValidationPolicyLoader.fromDefaultValidationPolicy().create();
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            String answer;
            try {
                answer = validate(line.split("\t", -1), policy);
            } catch (Exception | LinkageError | StackOverflowError e) {
                answer = "{\"error\":" + Json.quote(e.getClass().getSimpleName() + ": " + e.getMessage()) + "}";
            }
            answers.println(answer);
        }
    }

    private static String validate(String[] request, ValidationPolicy policy) throws Exception {
        if (request.length != 4) throw new IllegalArgumentException("four fields expected, not " + request.length);
        SignedDocumentValidator validator = SignedDocumentValidator.fromDocument(new FileDocument(request[0]));
        validator.setCertificateVerifier(Trust.of(request[2], request[3].equals("online")));
        if (!request[1].equals("-")) validator.setDetachedContents(List.of(new FileDocument(request[1])));
        Reports reports = validator.validateDocument(policy);
        SimpleReport report = reports.getSimpleReport();
        List<String> signatures = new ArrayList<>();
        for (String id : report.getSignatureIdList()) signatures.add(describe(report, id, true));
        List<String> timestamps = new ArrayList<>();
        for (String id : report.getTimestampIdList()) timestamps.add(describe(report, id, false));
        return "{\"signatures\":[" + String.join(",", signatures) + "],\"timestamps\":["
            + String.join(",", timestamps) + "]}";
    }

    private static String describe(SimpleReport report, String id, boolean signature) {
        List<String> fields = new ArrayList<>();
        fields.add("\"indication\":" + Json.quote(report.getIndication(id)));
        fields.add("\"sub_indication\":" + Json.quote(report.getSubIndication(id)));
        if (signature) {
            fields.add("\"format\":" + Json.quote(report.getSignatureFormat(id)));
            fields.add("\"signed_by\":" + Json.quote(report.getSignedBy(id)));
            fields.add("\"best_time\":" + Json.quote(
                report.getBestSignatureTime(id) == null ? null : report.getBestSignatureTime(id).toInstant()));
            List<String> timestamps = new ArrayList<>();
            for (XmlTimestamp timestamp : report.getSignatureTimestamps(id))
                timestamps.add(describe(report, timestamp.getId(), false));
            fields.add("\"timestamps\":[" + String.join(",", timestamps) + "]");
        }
        fields.add("\"errors\":" + texts(report.getAdESValidationErrors(id)));
        fields.add("\"warnings\":" + texts(report.getAdESValidationWarnings(id)));
        return "{" + String.join(",", fields) + "}";
    }

    private static String texts(List<Message> messages) {
        List<String> quoted = new ArrayList<>();
        for (Message message : messages) quoted.add(Json.quote(message.getKey() + ": " + message.getValue()));
        return "[" + String.join(",", quoted) + "]";
    }
}

import eu.europa.esig.dss.cades.CAdESSignatureParameters;
import eu.europa.esig.dss.cades.signature.CAdESService;
import eu.europa.esig.dss.enumerations.SignatureLevel;
import eu.europa.esig.dss.model.DSSDocument;
import eu.europa.esig.dss.model.FileDocument;
import eu.europa.esig.dss.service.tsp.OnlineTSPSource;
import java.util.List;

/**
 * Lifts a CMS signature to a higher level with DSS's own hand, for the tests of the validators: openssl cms makes B-B
 * and no more.
 *
 * Arguments: CMS CONTENT|- LEVEL(T, LT, LTA) TSA-URL ANCHORS OUTPUT
 */
public final class Extend {
    private Extend() {}

    public static void main(String[] arguments) throws Exception {
        CAdESSignatureParameters parameters = new CAdESSignatureParameters();
        parameters.setSignatureLevel(SignatureLevel.valueOf("CAdES_BASELINE_" + arguments[2]));
        if (!arguments[1].equals("-")) parameters.setDetachedContents(List.of(new FileDocument(arguments[1])));
        CAdESService service = new CAdESService(Trust.of(arguments[4], true));
        service.setTspSource(new OnlineTSPSource(arguments[3], new Loopback("application/timestamp-query")));
        DSSDocument extended = service.extendDocument(new FileDocument(arguments[0]), parameters);
        extended.save(arguments[5]);
    }
}

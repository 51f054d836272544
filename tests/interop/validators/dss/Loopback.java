import eu.europa.esig.dss.model.DSSException;
import eu.europa.esig.dss.service.http.commons.CommonsDataLoader;
import java.net.InetAddress;
import java.net.URI;

/** Fetches over http, and only from this machine: a certificate of a test must not send the validator out. */
final class Loopback extends CommonsDataLoader {
    private static final long serialVersionUID = 1L;

    Loopback(String contentType) {
        super(contentType);
        setTimeoutConnection(5_000);
        setTimeoutResponse(10_000);
        setRedirectsEnabled(false);
    }

    private static void check(String url) {
        try {
            String host = URI.create(url).getHost();
            if (host != null && InetAddress.getByName(host).isLoopbackAddress()) return;
        } catch (java.io.IOException | IllegalArgumentException e) {
            throw new DSSException("no address of this machine: " + url, e);
        }
        throw new DSSException("no address of this machine: " + url);
    }

    @Override
    public byte[] get(String url) {
        check(url);
        return super.get(url);
    }

    @Override
    public byte[] post(String url, byte[] content) {
        check(url);
        return super.post(url, content);
    }
}

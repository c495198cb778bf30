package carnet;

import carnet.Library.SignIn;
import java.io.IOException;
import java.net.CookieManager;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpClient.Redirect;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** A browser with cookies and without scripts, and what a person does in it for a device. */
final class Browser {
    private static final Pattern FORM = Pattern.compile("<form[^>]* action=\"([^\"]*)\"");
    private static final Pattern HIDDEN = Pattern.compile("<input[^>]*type=\"hidden\"[^>]*>");
    private static final Pattern ATTRIBUTE = Pattern.compile("(name|value)=\"([^\"]*)\"");

    private final HttpClient client =
            HttpClient.newBuilder().cookieHandler(new CookieManager()).followRedirects(Redirect.NORMAL).build();

    String get(String url) throws IOException, InterruptedException {
        return text(request(url).build());
    }

    /** Calls an API that answers 200. */
    void post(String url, String token) throws IOException, InterruptedException {
        var request = request(url).header("authorization", "Bearer " + token).POST(BodyPublishers.noBody()).build();
        Tokens.equal("the status of " + url, client.send(request, BodyHandlers.ofString()).statusCode(), 200);
    }

    /** Enters the code, the account and the password, and gives the answer, to a page for consent too. */
    void answerDevice(Facts facts, String address, String code, SignIn who)
            throws IOException, InterruptedException {
        var page = get(address);
        var typed = List.of(Map.of("user_code", code), Map.of("username", who.user()),
                Map.of("passwd", facts.of("password")), Map.of("answer", who.answer()));
        for (var fields : typed) {
            page = submit(facts, page, fields);
        }
        if (FORM.matcher(page).find()) {
            page = submit(facts, page, Map.of("answer", who.answer()));
        }
        if (!page.contains("You may close this window")) {
            throw new AssertionError("the last page is " + page);
        }
    }

    /** Sends the form of a page with its hidden fields and what was typed. */
    private String submit(Facts facts, String page, Map<String, String> typed) throws IOException, InterruptedException {
        var form = FORM.matcher(page);
        if (!form.find()) {
            throw new AssertionError("a page without a form: " + page);
        }
        var fields = new LinkedHashMap<String, String>();
        for (var inputs = HIDDEN.matcher(page); inputs.find();) {
            var named = new LinkedHashMap<String, String>();
            for (var pairs = ATTRIBUTE.matcher(inputs.group()); pairs.find();) {
                named.put(pairs.group(1), pairs.group(2));
            }
            fields.put(named.get("name"), named.getOrDefault("value", ""));
        }
        fields.putAll(typed);
        var body = fields.entrySet().stream().map(it -> encoded(it.getKey()) + "=" + encoded(it.getValue()));
        var target = URI.create(facts.base()).resolve(form.group(1).replace("&amp;", "&")).toString();
        return text(request(target)
                .header("content-type", "application/x-www-form-urlencoded")
                .header("origin", facts.base())
                .POST(BodyPublishers.ofString(body.collect(Collectors.joining("&"))))
                .build());
    }

    private static HttpRequest.Builder request(String url) {
        return HttpRequest.newBuilder(URI.create(url)).timeout(Duration.ofSeconds(60));
    }

    private String text(HttpRequest request) throws IOException, InterruptedException {
        return client.send(request, BodyHandlers.ofString()).body();
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}

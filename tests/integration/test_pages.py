# ctest: TIMEOUT 240
"""Pages: a list is whole however large its entries are and wherever its pages end."""
import unittest

import harness

SIGNERS, THREADS = 900, 16
LONG = "x" * 256


class Pages(harness.InstanceTest):

    def test_a_page_of_the_largest_signers_ends_before_it_would_burst_an_ipc_frame(self):
        """900 of them are 4.2 MiB, and a frame has 4: a page of 1,000 comes in two."""
        person = {"name": {"given": LONG, "family": LONG}, "organization": LONG, "email": "x@" + "y" * 254, "phone": LONG,
                  "language": LONG, "identification": {"method": LONG, "reference": LONG, "time": LONG},
                  "identifiers": [{"type": "tax_code", "value": LONG}] * 8}

        def enrol(thread):
            made = [self.client.signer(**person, externalReference=f"{thread}-{n}".ljust(256, "z"))
                    for n in range(thread, SIGNERS, THREADS)]
            self.client.close()
            return made
        made = {signer for some in harness.at_once(THREADS, enrol) for signer in some}
        self.assertEqual(SIGNERS, len(made))
        listed, path, pages = [], "/v1/signers?limit=1000", 0
        while path:
            page = self.client.expect("GET", path)
            self.assertTrue(page["signers"])
            listed += [signer["signerID"] for signer in page["signers"]]
            path = page.get("next") and f"/v1/signers?limit=1000&after={page['next']}"
            pages += 1
        self.assertEqual(sorted(listed), listed)
        self.assertEqual(made, set(listed))
        self.assertEqual((2, SIGNERS), (pages, len(listed)))
        self.assertEqual(SIGNERS, len(self.instance.ctl("signer", "list")))


if __name__ == "__main__":
    unittest.main()

"""What a screen reader meets on every tab: names, roles and contrast, by the rules of axe-core."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.interface.browsing import PATIENCE, answered

pytestmark = pytest.mark.browser
# The tabs after "Segment", and what shows that a tab has its answer.
TABS = {
    "How it works": "#walk .w-has",
    "Similarity": "#clarity-table table",
    "Compare": "#compare-differing p, #compare-differing table",
    "Domain shift": "#filter-run",
}


def serious(page: Page, part: str | None = None) -> list[str]:
    """What axe-core calls serious or critical in a part of the page: rule, element, reason."""
    found = Axe().run(page, part).response["violations"]
    return [
        f"{rule['id']}: {' '.join(map(str, node['target']))}: {node['failureSummary']}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize(("size", "dark"), [("desktop", False), ("phone", True)])
def test_no_tab_has_a_serious_fault(visit, size, dark):
    page = visit("names=road%0Asky%0Acar", size=size, dark=dark)
    answered(page)
    assert serious(page) == []
    for tab, shown in TABS.items():
        page.get_by_role("tab", name=tab).click()
        expect(page.locator(shown).first).to_be_visible(timeout=2 * PATIENCE)
        assert serious(page, "[role=tabpanel]") == [], tab

"""One partner's source as a Dagster component: a contract's name is all that it needs.

Belongs here: the schema of ``defs.yaml``. Does not belong here: what the assets do
(``defs/source_assets.py``), what the partner promises (the contract).
"""

import dagster as dg

from via_pipeline.contracts import model
from via_pipeline.defs.source_assets import source_definitions


class PartnerSource(dg.Component, dg.Resolvable, dg.Model):
    """Everything from a partner's landing folder to its outcome table.

    ``source`` names the contract in ``via_pipeline/contracts/sources``. Adding a source is a
    contract, a measures file where there is something to measure, and a folder with a
    ``defs.yaml`` like this; no Python::

        type: via_pipeline.defs.components.partner_source.PartnerSource
        attributes:
          source: p5_behoud
    """

    source: str

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Assets and checks of the source.

        Raises:
            FileNotFoundError: there is no contract of that name.
        """
        return source_definitions(model.load(self.source))

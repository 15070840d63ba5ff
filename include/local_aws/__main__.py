"""`python -m local_aws serve`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

from local_aws import DEFAULT_PORT
from local_aws.config import Config, Simulation
from local_aws.faults import BadRule
from local_aws.server import RefusedAddress, StateInUse, check_address, serve


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local_aws", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("serve", help="serve AWS on this machine until stopped")
    port = int(os.environ.get("FRUGAL_LOCAL_AWS_PORT", DEFAULT_PORT))
    command.add_argument("--host", default="127.0.0.1")
    command.add_argument("--port", type=int, default=port)
    command.add_argument("--private-network", action="store_true", help="allow a private --host")
    command.add_argument("--state", type=Path, required=True, help="where everything is kept")
    command.add_argument("--envs", type=Path, required=True, help="the images' environments")
    command.add_argument("--images", type=Path, default=Config.images, help="image table")
    defaults = Simulation()
    command.add_argument("--clock", type=float, default=defaults.clock)
    command.add_argument("--reclaim-seconds", type=float, default=defaults.reclaim_seconds)
    command.add_argument("--slots", type=int, default=defaults.slots)
    idle = defaults.serverless_idle_seconds
    command.add_argument("--serverless-idle-seconds", type=float, default=idle)
    quota = defaults.endpoint_instances
    command.add_argument("--endpoint-instances", type=int, default=quota, help="quota per region")
    command.add_argument("--faults", type=Path, help="a fault plan, YAML or JSON")
    command.add_argument("--seed", type=int, help="of the faults; default: the plan's, or 0")
    fit = defaults.loaded_models
    command.add_argument("--loaded-models", type=int, default=fit, help="that fit into an instance")
    command.add_argument("--log-level", default="WARNING")
    options = parser.parse_args()
    logging.basicConfig(
        level=options.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    simulation = Simulation(
        clock=options.clock,
        reclaim_seconds=options.reclaim_seconds,
        slots=options.slots,
        serverless_idle_seconds=options.serverless_idle_seconds,
        endpoint_instances=options.endpoint_instances,
        loaded_models=options.loaded_models,
    )
    config = Config(
        state=options.state.resolve(),
        environments=options.envs.resolve(),
        host=options.host,
        port=options.port,
        images=options.images,
        simulation=simulation,
        faults=options.faults,
        seed=options.seed,
    )
    try:
        check_address(options.host, options.private_network)
        serve(config)
    except (RefusedAddress, StateInUse, BadRule) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # what jobs' threads still do is settled at the next start

#!/bin/bash
# One worker on each of four machines: sbatch docs/slurm.sh, from the repository's root.
# The workers listen on all interfaces without authentication: whoever reaches port 2222
# of a node, other users' jobs included, can read and write files as you. Use it only
# where the network between the nodes is closed to others; see many_machines.md.
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-task=1
srun bash -c '
  hosts=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | sed "s/.*/\"&:2222\"/" | paste -sd,)
  export TF_CONFIG="{\"cluster\": {\"worker\": [$hosts]}, \"task\": {\"type\": \"worker\", \"index\": $SLURM_PROCID}}"
  exec .venv/bin/python chapter04_dcgan/main.py train --strategy multiworker \
      --batch-size 256 --run-dir runs/faces'

#!/bin/sh
# start.sh PROJECT ZONE BUCKET IMAGE OPERATOR: adyton.efi as the only file of a disk, started in a TDX machine of Google's, with the
# operator's file as a second, read-only disk. Needs gcloud, gsutil, and what write-disk.sh needs.
set -eu
project=$1 zone=$2 bucket=$3 image=$4 operator=$5
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

sh "$(dirname "$0")/write-disk.sh" "$image" "$work/disk.raw"
tar --format=oldgnu -Sczf "$work/enclave.tar.gz" -C "$work" disk.raw

mkdir "$work/operator"
cp "$operator" "$work/operator/disk.raw"
truncate -s 1G "$work/operator/disk.raw"
tar --format=oldgnu -Sczf "$work/operator.tar.gz" -C "$work/operator" disk.raw

gsutil cp "$work/enclave.tar.gz" "$work/operator.tar.gz" "gs://$bucket/"
gcloud compute images create adyton-enclave --project="$project" --source-uri="gs://$bucket/enclave.tar.gz" \
  --guest-os-features=UEFI_COMPATIBLE,TDX_CAPABLE,GVNIC
gcloud compute images create adyton-operator --project="$project" --source-uri="gs://$bucket/operator.tar.gz"
gcloud compute disks create adyton-operator --project="$project" --zone="$zone" --image=adyton-operator
gcloud compute instances create adyton-enclave --project="$project" --zone="$zone" --machine-type=c3-standard-4 \
  --confidential-compute-type=TDX --maintenance-policy=TERMINATE --no-shielded-secure-boot \
  --image=adyton-enclave --disk=name=adyton-operator,mode=ro --network-interface=nic-type=GVNIC

/*
 * dry_run.h
 *	  Implements cmig.dry_run, which runs a plan's steps and rolls everything
 *	  back.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_DRY_RUN_H
#define CMIG_DRY_RUN_H

/* Register cmig.dry_run_timeout, and install the hooks. */
extern void cmig_dry_run_init(void);

#endif							/* CMIG_DRY_RUN_H */

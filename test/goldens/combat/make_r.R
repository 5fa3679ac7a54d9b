# Writes sva*.csv and comfam*.csv: what sva and ComBatFamily make of table.csv, into the current folder (this one).
#
# usage: Rscript make_r.R FOLDER    (FOLDER holds R/comfam.R of github.com/andy1764/ComBatFamily, commit
#                                    0d3df169db45aaea9b8e9022527590907664758d; R 4.2.2, sva 3.46.0 from Debian)
suppressPackageStartupMessages(library(sva))
folder <- commandArgs(trailingOnly = TRUE)[1]
source(file.path(folder, "R", "comfam.R"))
table <- read.csv("table.csv", stringsAsFactors = TRUE)
features <- grep("^f[0-9]+$", names(table), value = TRUE)
data <- as.matrix(table[, features])
write <- function(name, values) {
  write.csv(apply(values, 2, function(x) sprintf("%.17g", x)), paste0(name, ".csv"), row.names = FALSE, quote = FALSE)
}
mod <- model.matrix(~ age + sex + diagnosis, table)
with_sva <- function(name, ...) write(name, t(ComBat(t(data), table$site, mod, ...)))
with_sva("sva")
with_sva("sva-reference", ref.batch = "Cadiz")
with_sva("sva-nonparametric", par.prior = FALSE)
with_sva("sva-mean-only", mean.only = TRUE)
covariates <- table[, c("age", "sex", "diagnosis")]
with_family <- function(name, ...) {
  write(name, comfam(data, table$site, covariates, lm, y ~ age + sex + diagnosis, ...)$dat.combat)
}
with_family("comfam")
with_family("comfam-reference", ref.batch = "Cadiz")
with_family("comfam-no-eb", eb = FALSE)
cat(R.version.string, "sva", as.character(packageVersion("sva")), "\n")
